// The forms of sign-up and preferences: topics narrow as one types, the preview comes in place, and
// the time zone is the browser's. Without this script, the same buttons do the same by whole pages.
"use strict";

(() => {
  const form = document.querySelector("form#subscribe, form#preferences");
  if (!form) return;

  // Time zone: what the browser says, unless something was chosen already.
  const zone = form.querySelector("select[data-guess]");
  if (zone) {
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if ([...zone.options].some((option) => option.value === here)) zone.value = here;
  }

  // Topics: only those with all the words; what is ticked stays in sight.
  const words = form.querySelector("#q");
  const found = form.querySelector("#topics-found");
  const groups = [...form.querySelectorAll("details")].filter((each) => each.querySelector(".box"));
  const unfolded = new Map(groups.map((group) => [group, group.open]));
  const was = form.querySelector("input[name=was]");
  const find = form.querySelector("button[value=find]");
  if (find) find.hidden = true;

  const narrow = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let matching = 0;
    for (const group of groups) {
      let shown = 0;
      for (const box of group.querySelectorAll(".box")) {
        const fits = wanted.every((word) => box.dataset.words.includes(word));
        matching += fits ? 1 : 0;
        box.hidden = !fits && !box.querySelector("input").checked;
        shown += box.hidden ? 0 : 1;
      }
      group.hidden = shown === 0;
      group.open = wanted.length ? shown > 0 : unfolded.get(group);
    }
    found.textContent = wanted.length
      ? `${matching} ${matching === 1 ? "topic" : "topics"} with “${words.value.trim()}”; what you ticked stays.`
      : "";
    was.value = words.value; // it is narrowed: Enter elsewhere does not mean that any more
  };

  const count = (group) => {
    const names = [...group.querySelectorAll(".box")]
      .filter((box) => box.querySelector("input").checked)
      .map((box) => box.querySelector(".name").textContent);
    const all = group.querySelectorAll(".box").length;
    const label = group.querySelector(".ticked");
    label.textContent = names.length ? `${names.length} of ${all}: ${names.join(", ")}` : `${all}`;
  };

  if (words) {
    words.addEventListener("input", narrow);
    words.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    for (const group of groups) group.addEventListener("change", () => count(group));
    if (words.value) narrow();
  }

  // A file too large to be sent: said at once, since what was typed might not survive the refusal.
  const LARGEST_FILE = 2_000_000; // of a body of 2 MB
  const file = form.querySelector("#file");
  const error = form.querySelector("#file-error");
  const tooLarge = () => Boolean(file && file.files.length && file.files[0].size > LARGEST_FILE);
  const judge = () => {
    error.hidden = !tooLarge();
    file.setAttribute("aria-invalid", tooLarge());
    file.setAttribute("aria-describedby", tooLarge() ? "file-error file-hint" : "file-hint");
  };
  if (file) {
    file.addEventListener("change", judge);
    form.addEventListener("submit", (event) => {
      judge();
      if (!tooLarge()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      file.closest("details").open = true;
      file.focus();
    });
  }

  // Preview: the server's own page, of which only the preview is taken.
  const button = form.querySelector("#show-preview");
  const preview = form.querySelector("#preview");
  const status = form.querySelector("#preview-status");
  if (!button || !window.fetch) return;
  let asked = 0;
  let waiting = 0;

  const show = async (byHand) => {
    clearTimeout(waiting);
    const mine = ++asked;
    status.textContent = "Looking through the latest papers …";
    let page = null;
    try {
      const answer = await fetch(button.formAction, { method: "POST", body: new FormData(form) });
      if (answer.ok) page = new DOMParser().parseFromString(await answer.text(), "text/html");
      else if (answer.status === 400 && byHand) return byPage();
      else if (answer.status === 413) return say(mine, "That is too large to be sent: 2 MB is the most.");
      else if (answer.status === 429) return say(mine, "That was asked often. Please wait a little.");
    } catch {
      // No network: said below.
    }
    const fresh = page && page.querySelector("#preview");
    if (!fresh) return say(mine, byHand ? "The preview could not be fetched. Please try again." : "");
    if (mine !== asked) return;
    preview.replaceChildren(...fresh.childNodes);
    preview.hidden = false;
    preview.setAttribute("aria-labelledby", "preview-title");
    const papers = preview.querySelectorAll("article").length;
    say(mine, `${papers} ${papers === 1 ? "paper" : "papers"} shown below.`);
    if (byHand) preview.focus();
  };

  // What is to be mended is shown by a whole page, which has it beside each field.
  const byPage = () => {
    form.dataset.plain = "yes";
    form.requestSubmit(button);
  };

  const say = (mine, text) => {
    if (mine === asked) status.textContent = text;
  };

  form.addEventListener("submit", (event) => {
    if (event.submitter !== button || form.dataset.plain) return;
    event.preventDefault();
    show(true).then(() => {}, () => {});
  });

  // Once it is shown, it follows what is changed.
  form.addEventListener("change", (event) => {
    if (preview.hidden || tooLarge() || event.target.name === "email" || event.target.name === "q") return;
    clearTimeout(waiting);
    waiting = setTimeout(() => show(false), 700);
  });
})();
