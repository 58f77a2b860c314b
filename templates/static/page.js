// Results as you type, and lists narrowed as you type. Without it the forms work by their buttons.
"use strict";

const DELAY = 220;
const FEEDS = "link[rel=alternate]";

// The page that the form leads to is fetched, and its results stand in for those that are shown.
for (const form of document.querySelectorAll("form[data-answers]")) {
  const place = document.getElementById(form.dataset.answers);
  const said = document.getElementById(form.dataset.says);
  let timer = 0;
  let asked = null;
  let shown = address(form);

  // What was found for one query must not stand under another.
  function instead(text) {
    place.replaceChildren();
    said.textContent = text;
  }

  async function look() {
    const next = address(form);
    if (next === shown) return;
    shown = next;
    asked?.abort();
    asked = new AbortController();
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(next, { signal: asked.signal, headers: { accept: "text/html" } });
      // The id of a paper leads away: that is for the button to do.
      if (answer.redirected) return instead("That is one paper: press Search to open it.");
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      place.replaceChildren(...page.getElementById(place.id).childNodes);
      said.textContent = page.getElementById(said.id).textContent;
      document.title = page.title;
      for (const former of document.head.querySelectorAll(FEEDS)) former.remove();
      document.head.append(...page.head.querySelectorAll(FEEDS));
      history.replaceState(null, "", next);
    } catch (error) {
      if (error.name === "AbortError") return;
      shown = "";
      instead("That could not be searched just now; press Search to try again.");
    } finally {
      if (shown === next || !shown) place.removeAttribute("aria-busy");
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, DELAY);
  });
}

for (const form of document.querySelectorAll("form[data-narrows]")) {
  const list = document.getElementById(form.dataset.narrows);
  const field = form.querySelector("input[type=search]");
  const groups = [...list.querySelectorAll("details")];
  const open = new Map(groups.map((group) => [group, group.open]));
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of groups) {
      const heading = group.querySelector("summary").textContent.toLowerCase();
      let any = false;
      for (const item of group.querySelectorAll("li")) {
        const text = `${item.textContent.toLowerCase()} ${heading}`;
        item.hidden = !words.every((word) => text.includes(word));
        any ||= !item.hidden;
      }
      group.hidden = !any;
      group.open = words.length ? any : open.get(group);
    }
  });
}

function address(form) {
  const given = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value) given.append(name, value);
  }
  return `${form.action}?${given}`;
}
