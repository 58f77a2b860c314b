// Answers to papers, in place: the button's own address is asked, and what it says is shown beside
// the paper with a button to undo it. Without this script, the same buttons load the page again.
"use strict";

(() => {
  const send = async (address) => {
    const answer = await fetch(address, { method: "POST", headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  // What the server says, and a button that takes it back.
  const note = (said, undo, title) => {
    const line = element("p", {}, said, " ");
    if (!undo) return line;
    const button = element("button", { type: "submit", className: "plain" }, "Undo");
    button.setAttribute("aria-label", `Undo: ${title}`);
    const form = element("form", { method: "post", action: undo }, line);
    line.append(button);
    return form;
  };

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const button = event.submitter;
    const paper = form.closest("article");
    const place = paper && paper.querySelector(".said");
    if (!place || !button || !(form.matches(".answers") || form.closest(".said"))) return;
    event.preventDefault();
    const address = button.hasAttribute("formaction") ? button.formAction : form.action;
    const title = paper.querySelector(".title").textContent.trim();
    button.disabled = true;
    try {
      const { said, undo } = await send(address);
      const shown = note(said, undo, title);
      if (form.matches(".answers")) {
        place.replaceChildren(shown);
        button.setAttribute("aria-pressed", "true");
      } else {
        form.replaceWith(shown);
        for (const each of paper.querySelectorAll("[aria-pressed]")) each.removeAttribute("aria-pressed");
      }
      const next = shown.querySelector("button");
      (next || paper.querySelector(".answers button")).focus();
    } catch {
      place.replaceChildren(element("p", {}, "That could not be sent. Please try again."));
    } finally {
      button.disabled = false;
    }
  });
})();
