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

  // What was said of a paper, and the button it was said with, are of one kind.
  const lines = (paper, key, kind) => paper.querySelectorAll(`.said form[data-${key}="${kind}"]`);

  // The button, or for an author or a topic the link, by which a kind of answer is given.
  const by = (paper, kind) =>
    paper.querySelector(`.answers :is([formaction$="/${kind}"], [href$="/${kind}"])`);

  const press = (paper, kind, pressed) => {
    const button = by(paper, kind);
    if (pressed) button?.setAttribute("aria-pressed", "true");
    else button?.removeAttribute("aria-pressed");
  };

  // More ends less, and less more, until it is taken back.
  const stand = (paper, line, kind, ends) => {
    for (const same of lines(paper, "kind", kind)) same.remove();
    for (const ended of ends ? lines(paper, "kind", ends) : []) {
      ended.hidden = true;
      ended.dataset.ended = kind;
    }
    line.dataset.kind = kind;
    press(paper, kind, true);
    if (ends) press(paper, ends, false);
  };

  const fall = (paper, line) => {
    const { kind } = line.dataset;
    line.remove();
    press(paper, kind, false);
    for (const ended of lines(paper, "ended", kind)) {
      ended.hidden = false;
      press(paper, ended.dataset.kind, true);
    }
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
      const { said, undo, kind, ends } = await send(address);
      const shown = note(said, undo, title);
      for (const line of place.querySelectorAll(":scope > p")) line.remove();
      if (kind) stand(paper, shown, kind, ends);
      else fall(paper, form);
      place.prepend(shown);
      const next = shown.querySelector("button") || by(paper, form.dataset.kind);
      (next || paper.querySelector(".answers button")).focus();
    } catch {
      place.prepend(element("p", {}, "That could not be sent. Please try again."));
    } finally {
      button.disabled = false;
    }
  });
})();
