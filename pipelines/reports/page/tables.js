// Elements, and tables that can be sorted, filtered and searched. Text is only ever set as text.
const PAGE_ROWS = 15;
const MORE_ROWS = 200;
const views = {}; // what a reader did to each table: its order, filters, search and length

/** An element with attributes and children; strings become text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Two columns that are shown as one: from the lowest to the highest.
const RANGES = { roas_low: "roas_high", direct_low: "direct_high" };
const ENDS = new Set(Object.values(RANGES));

const isNumber = (column) => !!data.kinds[column.kind]?.form;

const LONG_WORDS = ["reason", "path", "entry", "pilot", "part_of"]; // codes whose words may take several lines

/** A cell's value as the reader sees it. */
function cellText(column, row) {
  const value = row[column.name];
  if (column.code || data.labels[column.name]) return label(column.name, value);
  return written(value, column.kind);
}

const isWithheld = (row, name) => !!row.withheld && `|${row.withheld}|`.includes(`|${name}|`);
const RETURN_FIGURES = /^(roas|roi|credited|direct|halo|orders|cac)/;

function cell(column, row, first) {
  const value = row[column.name];
  const tag = first ? "th" : "td";
  const cellOf = (attributes, ...children) =>
    make(tag, { scope: first ? "row" : null, "data-column": column.name, ...attributes }, ...children);
  if (column.name === "action") return cellOf({}, badge(value));
  if (column.name === "maturity") return cellOf({}, make("span", { class: value === "maturing" ? "badge open" : "badge" }, cellText(column, row)));
  if (column.name === "models_agree" && value !== null) {
    return cellOf({ class: "number-cell", "data-value": value }, `${value}/${data.models.length}`);
  }
  if (!isNumber(column)) {
    const text = cellText(column, row);
    return cellOf({}, make("bdi", { class: !column.code ? "long" : LONG_WORDS.includes(column.name) ? "phrase wraps" : "phrase", "data-tip": text.length > 24 ? text : null }, text));
  }
  const hidden = value === null && isWithheld(row, column.name);
  const open = value !== null && row.maturity === "maturing" && RETURN_FIGURES.test(column.name);
  const attributes = { class: "number-cell", "data-value": value };
  const text = RANGES[column.name] && value !== null ? `${cellText(column, row)}–${written(row[RANGES[column.name]], column.kind)}` : cellText(column, row);
  if (hidden) return cellOf(attributes, make("span", { class: "hidden-figure", "data-tip": say("hidden", { k: data.targets.privacy_k }) }, `${UNKNOWN}*`));
  if (value === null || value === undefined) return cellOf({ ...attributes, "data-tip": say("unknown") }, text);
  if (open) return cellOf(attributes, make("span", { class: "open-figure" }, text));
  return cellOf(attributes, text);
}

/** An action as a sign and a word: its colour says nothing more. */
function badge(action) {
  return make("span", { class: `badge ${action ?? ""}` }, `${GLYPHS[action] ? `${GLYPHS[action]} ` : ""}${label("action", action)}`);
}

/**
 * A table of rows.
 * options: columns (names, default: all), filters (names of code columns), search, total (columns to add up), order.
 */
function tableOf(name, rows, options = {}) {
  const id = options.id ?? name;
  const all = options.columns ? options.columns.map((c) => data.tables[name].columns.find((d) => d.name === c)).filter(Boolean) : data.tables[name].columns;
  const head = all.filter((column) => !ENDS.has(column.name));
  const view = (views[id] ??= { order: options.order ?? null, filters: {}, search: "", length: options.length ?? PAGE_ROWS });
  const body = make("div", { class: "body" });
  const redraw = () => body.replaceChildren(...drawn(id, head, rows, view, options, redraw));
  const holder = make("div", { "data-table": id });
  if (rows.length > 8 && options.search !== false) holder.append(tools(id, head, rows, view, options, redraw));
  holder.append(body);
  redraw();
  return holder;
}

function tools(id, head, rows, view, options, redraw) {
  const search = make("input", {
    type: "search", "aria-label": say("search"), placeholder: say("search"), value: view.search,
    on: { input: (event) => { view.search = event.target.value; redraw(); } },
  });
  const selects = (options.filters ?? []).map((name) => {
    const column = head.find((c) => c.name === name) ?? { name, code: true };
    const codes = [...new Set(rows.map((row) => row[name]))].sort((a, b) => label(name, a).localeCompare(label(name, b), "zh"));
    const title = of(column.label);
    const choices = codes.map((code, i) => make("option", { value: i, selected: view.filters[name] === (code ?? "") }, label(name, code)));
    return make("select", {
      "aria-label": title, "data-filter": name,
      on: { change: ({ target }) => {
        if (target.value === "") delete view.filters[name]; else view.filters[name] = codes[Number(target.value)] ?? "";
        redraw();
      } },
    }, make("option", { value: "" }, `${title}：${say("all")}`), ...choices);
  });
  return make("div", { class: "tools" }, search, ...selects);
}

function drawn(id, head, rows, view, options, redraw) {
  const found = ordered(chosen(rows, head, view), head, view);
  const length = Math.min(view.length, found.length);
  const again = (column) => { turn(view, column); redraw(); focusHead(id, column.name); };
  const table = make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((column) => headCell(column, view, again)))),
    make("tbody", {}, ...found.slice(0, length).map((row) => make("tr", {}, ...head.map((column, i) => cell(column, row, i === 0))))),
    options.total ? totals(head, found, options.total) : null,
  );
  if (!found.length) return [make("p", { class: "quiet" }, say("no_rows"))];
  const parts = [make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": options.label ?? of(data.tables[id].title) }, table)];
  if (rows.length > length || rows.length > PAGE_ROWS) {
    parts.push(make("p", { class: "quiet count", role: "status" }, say("rows", { shown: written(length, "count"), all: written(found.length, "count") })));
  }
  if (found.length > length) {
    const more = Math.min(MORE_ROWS, found.length - length);
    parts.push(make("button", { type: "button", class: "more", on: { click: () => { view.length += MORE_ROWS; redraw(); } } }, say("more", { n: more })));
  }
  return parts;
}

function headCell(column, view, again) {
  const sorted = view.order?.name === column.name ? (view.order.down ? "descending" : "ascending") : null;
  return make("th", { scope: "col", "aria-sort": sorted, class: isNumber(column) ? "number-cell" : null },
    make("button", { type: "button", "data-sort": column.name, "data-tip": column.tip || null, on: { click: () => again(column) } },
      RANGES[column.name] ? say(column.name) : of(column.label)));
}

function focusHead(id, name) {
  document.querySelector(`[data-table="${id}"] [data-sort="${name}"]`)?.focus();
}

function turn(view, column) {
  const numeric = isNumber(column);
  const same = view.order?.name === column.name;
  view.order = { name: column.name, down: same ? !view.order.down : numeric };
}

function chosen(rows, head, view) {
  const wanted = view.search.trim().toLowerCase();
  const texts = head.filter((column) => !isNumber(column));
  return rows.filter((row) =>
    Object.entries(view.filters).every(([name, code]) => (row[name] ?? "") === code) &&
    (!wanted || texts.some((column) => cellText(column, row).toLowerCase().includes(wanted))));
}

/** In the reader's order; unknown values always last. */
function ordered(rows, head, view) {
  if (!view.order) return rows;
  const column = head.find((c) => c.name === view.order.name);
  if (!column) return rows;
  const sign = view.order.down ? -1 : 1;
  const value = isNumber(column) ? (row) => row[column.name] : (row) => cellText(column, row);
  const compare = isNumber(column) ? (a, b) => a - b : (a, b) => a.localeCompare(b, "zh");
  return rows.map((row) => [value(row), row]).sort(([a], [b]) => {
    const none = [a, b].map((v) => v === null || v === undefined || v === UNKNOWN);
    return none[0] || none[1] ? none[0] - none[1] : sign * compare(a, b);
  }).map(([, row]) => row);
}

/** Sums of what is shown; ratios of the sums, never of ratios. */
function totals(head, rows, added) {
  const seen = rows.filter((row) => !row.suppressed);
  if (new Set(rows.map((row) => row.currency)).size > 1) return null;
  const sums = Object.fromEntries(added.map((name) => [name, sum(seen, name)]));
  const hidden = rows.length - seen.length;
  const cells = head.map((column, i) => {
    if (i === 0) return make("th", { scope: "row" }, hidden ? say("sum_shown", { n: hidden }) : say("sum"));
    const value = column.of ? ratio(sums[column.of[0]], sums[column.of[1]]) : sums[column.name];
    return make("td", { class: "number-cell", "data-column": column.name, "data-value": value }, value === undefined ? "" : written(value, column.kind));
  });
  return make("tfoot", {}, make("tr", {}, ...cells));
}
