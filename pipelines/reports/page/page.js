// The page as a whole: sections in their order, the switches, the tips.
const byId = (id) => document.getElementById(id);

function render() {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === state.language);
  }
  fillSelect(byId("as-of"), data.dates.map((day) => [day, day]), state.asOf);
  fillSelect(byId("model"), data.models.map(({ name, label: words }) => [name, of(words)]), state.model);
  byId("basis").textContent = say("basis", {
    as_of: state.asOf, model: label("model", state.model), window_set: data.basis.window_set, scope: label("scope", data.basis.scope),
  });
  byId("contents").replaceChildren(make("ol", {}, ...data.sections.map((section, i) =>
    make("li", {}, make("a", { href: `#${section.name}` }, make("span", { class: "number" }, `${i + 1} `), of(section.title))))));
  const opened = new Set([...document.querySelectorAll("details[open]")].map(placeOf));
  forgetCharts();
  byId("sections").replaceChildren(...data.sections.map(sectionOf));
  for (const days of document.querySelectorAll(".days")) days.parentElement.scrollLeft = days.scrollWidth; // the newest are seen
  for (const details of document.querySelectorAll("details")) details.open = opened.has(placeOf(details));
  drawCharts();
}

/** Which of a page's folds this is, whatever its language. */
const placeOf = (details) => `${details.closest("section").id} ${[...details.closest("section").querySelectorAll("details")].indexOf(details)}`;

function sectionOf(section, i) {
  const parts = section.tables.map(viewOf);
  if (section.name === "data") parts.unshift(...alerts());
  if (section.name === "method") parts.unshift(...methodView());
  return make("section", { id: section.name, "aria-labelledby": `${section.name}-title` },
    make("div", { class: "title" },
      make("h2", { id: `${section.name}-title` }, make("span", { class: "number" }, String(i + 1)), of(section.title)),
      make("p", { class: "question" }, of(section.question))),
    ...parts);
}

function fillSelect(select, choices, chosenValue) {
  select.replaceChildren(...choices.map(([value, text]) => make("option", { value, selected: value === chosenValue }, text)));
}

/** Everything is drawn anew, and the reader stays where he was. */
function change(what) {
  const y = window.scrollY;
  Object.assign(state, what);
  render();
  window.scrollTo(0, y);
}

function showTip({ target }) {
  const holder = target.closest?.("[data-tip]");
  const tip = byId("tip");
  tip.hidden = !holder;
  document.querySelector("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
  if (!holder) return;
  holder.setAttribute("aria-describedby", "tip");
  tip.textContent = holder.dataset.tip;
  const box = holder.getBoundingClientRect();
  const below = box.bottom + 8 + tip.offsetHeight < window.innerHeight;
  tip.style.left = `${Math.max(8, Math.min(box.left, window.innerWidth - tip.offsetWidth - 8))}px`;
  tip.style.top = `${below ? box.bottom + 8 : Math.max(8, box.top - tip.offsetHeight - 8)}px`;
}

/** A sheet of paper does not scroll: tables that are wider than it are drawn smaller. */
function fitPaper() {
  const paper = 1000; // pixels between the margins of A4 across, less what a card needs around its table
  const font = 10.5 / parseFloat(getComputedStyle(document.documentElement).fontSize);
  for (const table of document.querySelectorAll(".scroll > table")) {
    table.style.setProperty("--fit", Math.min(1, paper / (table.scrollWidth * font)).toFixed(3));
  }
}

async function start() {
  if (typeof DecompressionStream === "undefined") {
    byId("basis").textContent = WORDS.too_old.join(" ");
    return;
  }
  await unpack();
  Object.assign(state, { model: data.model, asOf: data.dates[0] });
  byId("as-of").addEventListener("change", ({ target }) => change({ asOf: target.value }));
  byId("model").addEventListener("change", ({ target }) => change({ model: target.value }));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => change({ language: button.dataset.language }));
  }
  for (const event of ["pointerover", "focusin", "click"]) document.addEventListener(event, showTip);
  document.addEventListener("keydown", ({ key }) => { if (key === "Escape") byId("tip").hidden = true; });
  document.addEventListener("scroll", () => { byId("tip").hidden = true; }, { passive: true });
  window.addEventListener("beforeprint", fitPaper);
  render();
  document.body.dataset.ready = "yes";
}

start();
