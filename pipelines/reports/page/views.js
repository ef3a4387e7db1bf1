// How each table is shown where it is more than a table.
const ADDED = ["spend", "evidenced_spend", "credited_gmv", "direct_gmv", "halo_gmv", "credited_net", "orders"];
const card = (table, ...children) =>
  make("div", { class: "card" }, make("h3", {}, of(table.title)), make("p", { class: "quiet" }, of(table.says)), ...children);
const plain = (name, options = {}) => (data.tables[name].folded ? folded : card)(data.tables[name], tableOf(name, rowsOf(name), options));
/** A card of which only the title shows until it is opened. */
const folded = (table, ...children) =>
  make("div", { class: "card" }, make("details", { class: "folded" }, make("summary", {}, of(table.title)), make("p", { class: "quiet" }, of(table.says)), ...children));

const VIEWS = {
  feed_days: feedDays,
  totals: glance,
  by_maturity: maturityBar,
  daily: (name) => card(data.tables[name], chart("daily", of(data.tables[name].title), dailyRows), eventList()),
  category_returns: (name) => card(data.tables[name],
    hint("chart_category"), chart(name, of(data.tables[name].title), () => returnRows(name, "category")),
    tableOf(name, rowsOf(name), { total: ADDED })),
  lane_returns: (name) => card(data.tables[name],
    hint("chart_lane"), chart(name, of(data.tables[name].title), () => returnRows(name, "lane")), tableOf(name, rowsOf(name))),
  note_returns: noteView,
  note_quadrant: (name) => card(data.tables[name],
    hint("chart_quadrant"), chart(name, of(data.tables[name].title), quadrantRows),
    tableOf(name, rowsOf(name), { filters: ["quadrant", "category", "lane"], length: 12 })),
  creator_returns: (name) => plain(name, { total: ADDED, filters: ["creator_tier"] }),
  campaign_returns: (name) => plain(name, { total: ADDED }),
  funnel: funnelView,
  spend_by_kind: (name) => plain(name, { total: ["spend", "in_task_spend", "out_of_task_spend", "unknown_task_spend", "platform_spend"] }),
  purchase_lag: (name) => card(data.tables[name], chart(name, of(data.tables[name].title), lagRows)),
};

/** How to read a chart. */
const hint = (word) => make("p", { class: "hint" }, say(word, { target: written(Number(data.targets.roas_target), "ratio") }));

/** One table of the report as elements. */
const viewOf = (name) => (VIEWS[name] ?? plain)(name);

/** Who is the first to be told: what is missing, what was refused. */
function alerts() {
  const found = [];
  const told = (kind, text) => found.push(make("p", { class: kind }, text));
  const names = (rows) => [...new Set(rows.map((row) => label("feed", row.feed)))].join(state.language === "zh" ? "、" : ", ");
  const days = rowsOf("feed_days").filter((row) => row.business_date <= state.asOf);
  const missing = days.filter((row) => row.state === "missing");
  if (missing.length) told("notice", say("some_missing", { n: missing.length, names: names(missing) }));
  else if (days.length) told("notice quiet", say("all_arrived", { days: new Set(days.map((row) => row.business_date)).size }));
  const refused = rowsOf("files").filter((row) => row.quarantined);
  if (refused.length) told("notice", say("quarantined", { n: written(sum(refused, "quarantined"), "count"), names: names(refused) }));
  if (data.missing.length) told("notice quiet", say("not_here", { names: data.missing.map(of).join(state.language === "zh" ? "、" : ", ") }));
  return found;
}

/** A row of days for each feed; every state has its own sign. */
function feedDays(name) {
  const rows = rowsOf(name);
  const days = [...new Set(rows.map((row) => row.business_date))].sort();
  const parts = [...new Set(rows.map((row) => JSON.stringify([row.feed, row.source])))].map((part) => JSON.parse(part));
  const byDay = new Map(rows.map((row) => [JSON.stringify([row.feed, row.source, row.business_date]), row]));
  const head = make("tr", {}, make("td"), ...days.map((day) => make("th", { scope: "col", "aria-label": day }, day.endsWith("01") || day === days[0] ? day.slice(5) : day.slice(8))));
  const body = parts.map(([feed, source]) => make("tr", {},
    make("th", { scope: "row" }, label("feed", feed) + (source ? ` · ${label("source", source)}` : "")),
    ...days.map((day) => make("td", {}, dayCell(byDay.get(JSON.stringify([feed, source, day])), day)))));
  const signs = [...["arrived", "late", "missing", "not_due"].map((code) => [code, label("state", code)]), ["quarantined", refusedName()]];
  const legend = signs.map(([code, name]) => make("li", {}, `${GLYPHS[code]} ${name}`));
  return card(data.tables[name],
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": of(data.tables[name].title) },
      make("table", { class: "days" }, make("thead", {}, head), make("tbody", {}, ...body))),
    make("ul", { class: "legend" }, ...legend));
}

const refusedName = () => of(data.tables.feed_days.columns.find((c) => c.name === "quarantined").label);

function dayCell(row, day) {
  if (!row) return make("span", { class: "day not_due" }, " ");
  const told = [day, label("state", row.state), `${say("rows", { shown: written(row.rows, "count"), all: written(row.rows, "count") }).split(" / ")[0]}`];
  const refused = row.quarantined ? ` ${refusedName()} ${row.quarantined}` : "";
  return make("span", { class: `day ${row.state}${row.quarantined ? " quarantined" : ""}`, role: "img", "aria-label": `${told[0]} ${told[1]}${refused}`, "data-tip": `${told[0]} ${told[1]}：${written(row.rows, "count")}${refused}` },
    row.quarantined && row.state === "arrived" ? GLYPHS.quarantined : GLYPHS[row.state] ?? "");
}

/** The figures of the day, each against its target or a week ago. */
function glance(name) {
  const then = earlier(7);
  const before = then ? rowsOf(name, { asOf: then }) : [];
  const several = rowsOf(name).length > 1;
  const parts = rowsOf(name).map((row) => {
    const old = before.find((other) => other.currency === row.currency);
    const figures = ["spend", "credited_gmv", "credited_net", "credited_share", "roas_gmv", "roas_net", "new_customer_share", "cac"];
    return make("div", {},
      several ? make("h3", {}, row.currency) : null,
      make("div", { class: "figures" }, ...figures.map((figure) => figureCard(name, figure, row, old, then))));
  });
  return make("div", { "data-table": name }, ...parts, before.length ? null : make("p", { class: "notice quiet" }, say("no_week_ago")));
}

function figureCard(name, figure, row, old, then) {
  const column = data.tables[name].columns.find((c) => c.name === figure);
  const value = row[figure];
  const open = row.maturity === "maturing" && figure !== "spend";
  const beside = [];
  if (figure === "roas_gmv") {
    beside.push(`${say("target", { target: written(Number(data.targets.roas_target), "ratio") })} ${value === null ? "" : say(value >= Number(data.targets.roas_target) ? "met" : "not_met")}`);
  }
  if (old) beside.push(say("week_ago", { date: then.slice(5), change: changed(value, old[figure], column.kind) }));
  return make("div", { class: `figure${open ? " open" : ""}${figure === "roas_gmv" ? " lead" : ""}` },
    make("span", { class: "top" }, make("span", { class: "name", "data-tip": column.tip, tabindex: 0 }, of(column.label)),
      open ? make("span", { class: "badge open", "data-tip": say("open_figure") }, label("maturity", row.maturity)) : null),
    make("span", { class: "value", "data-figure": figure, "data-value": value, title: written(value, column.kind) }, short(value, column.kind)),
    ...beside.map((text) => make("span", { class: "beside" }, text)));
}

function changed(now, then, kind) {
  if (now === null || then === null || now === undefined || then === undefined) return UNKNOWN;
  const { up, down, same } = WORDS.direction;
  const sign = now > then ? up : now < then ? down : same;
  const size = data.kinds[kind].large && then ? `${written(Math.abs(now / then - 1), "percent")}` : written(Math.abs(now - then), kind);
  return `${sign}\u00a0${size}`;
}

function maturityBar(name) {
  const rows = rowsOf(name);
  const all = sum(rows, "spend");
  return card(data.tables[name],
    make("div", { class: "bar", role: "img", "aria-label": say("spend_by_maturity") },
      ...rows.filter((row) => row.spend > 0).map((row) => make("span", { class: row.maturity, style: `width:${(100 * row.spend) / all}%` }))),
    make("ul", { class: "legend" }, ...rows.map((row) => make("li", {}, make("span", { class: `key ${row.maturity}` }),
      say("maturity_line", {
        name: label("maturity", row.maturity), spend: short(row.spend, "yuan"), roas: written(row.roas_gmv, "ratio") + (isWithheld(row, "roas_gmv") ? "*" : ""),
        notes: say("notes_count", { n: written(row.notes, "count") }),
      })))));
}

function dailyRows() {
  const currency = mainCurrency();
  const rows = rowsOf("daily").filter((row) => row.business_date <= state.asOf && (row.currency ?? currency) === currency);
  const events = eventsOf(rows.map((row) => row.business_date));
  return rows.map(({ business_date: day, paid_gmv, spend }) => ({ day, paid_gmv, spend, event: "", told: "", level: 0, ...events.get(day) }));
}

/** The events of the policy calendar on these days; neighbours stand below each other. */
function eventsOf(days) {
  const found = new Map();
  const sides = rowsOf("policy_calendar").flatMap((row) => [[row.starts, ""], [row.ends, say("event_ends")]].map(([day, how]) => ({ day, how, row })));
  for (const { day, how, row } of sides.filter((side) => days.includes(side.day)).sort((a, b) => a.day.localeCompare(b.day))) {
    const name = label("entry", row.entry) + how;
    const told = day.slice(0, { day: 10, month: 7, year: 4 }[row.known_to]);
    const same = found.get(day);
    found.set(day, { told, event: same ? `${same.event} · ${name}` : name, level: same?.level ?? 14 * (found.size % 4) });
  }
  return found;
}

/** The same in words, for those who see no chart. */
function eventList() {
  const found = dailyRows().filter((row) => row.event);
  return found.length ? make("ul", { class: "legend events" }, ...found.map(({ told, event }) => make("li", {}, `┆ ${told} ${event}`))) : null;
}

const mainCurrency = () => rowsOf("totals")[0]?.currency ?? "CNY";

function returnRows(name, key) {
  return rowsOf(name).filter((row) => row.currency === mainCurrency() && row.roas_gmv !== null).map((row) => ({
    name: label(key, row[key]), roas_gmv: row.roas_gmv, roas_low: row.roas_low, roas_high: row.roas_high,
    roas_direct: row.roas_direct, direct_low: row.direct_low, direct_high: row.direct_high,
    spend: row.spend, credited_gmv: row.credited_gmv, open: row.maturity === "maturing",
    maturity: label("maturity", row.maturity), target: Number(data.targets.roas_target),
  }));
}

/** What to do with which note; those of which nothing can be said stand apart. */
function noteView(name) {
  const rows = rowsOf(name);
  const ranked = rows.filter((row) => row.action !== null);
  const apart = rows.filter((row) => row.action === null);
  const counts = ["boost", "keep", "watch", "stop"].map((action) => make("li", {},
    badge(action), ` ${say("notes_count", { n: ranked.filter((row) => row.action === action).length })}`));
  const columns = data.tables[name].columns.map((column) => column.name);
  const filters = ["action", "category", "lane", "creator_tier"];
  return card(data.tables[name],
    make("ul", { class: "legend" }, ...counts),
    make("div", { style: "height:1rem" }),
    tableOf(name, ranked, { filters, total: ADDED, order: { name: "spend", down: true } }),
    make("details", {}, make("summary", {}, say("apart", { n: apart.length })),
      make("p", { class: "quiet" }, say("apart_says")),
      tableOf(name, apart, {
        id: "notes_apart", label: say("apart", { n: apart.length }), filters: ["reason", "category", "lane"],
        columns: columns.filter((c) => !["action", "models_agree"].includes(c)),
      })));
}

const RATE_OF = { engagements: "impressions", clicks: "impressions", carts: "visits", orders: "visits", kept_orders: "orders" };
const OF_SHOP = ["visits", "carts", "orders", "kept_orders"];

function funnelView(name) {
  const rows = rowsOf(name);
  const most = Math.max(...rows.map((row) => row.events ?? 0), 1);
  const events = Object.fromEntries(rows.map((row) => [row.step, row.events]));
  const lines = rows.flatMap((row) => {
    const base = RATE_OF[row.step];
    const rate = base ? ratio(row.events, events[base]) : null;
    const told = [
      base ? say("of_step", { rate: written(rate, "percent"), step: label("step", base) }) : OF_SHOP.includes(row.step) ? say("whole_shop") : "",
      row.counts_unknown ? say("at_least", { n: written(row.counts_unknown, "count") }) : "",
      row.days_missing ? say("missing_days", { n: row.days_missing }) : "",
    ].filter(Boolean).join(" · ");
    return [
      make("span", {}, label("step", row.step)),
      make("span", { class: `length ${OF_SHOP.includes(row.step) ? "shop" : ""}`, style: `width:${(100 * (row.events ?? 0)) / most}%` }),
      make("span", { class: "value", "data-column": row.step, "data-value": row.events }, written(row.events, "count")),
      make("span", { class: "rate quiet" }, told),
    ];
  });
  return card(data.tables[name], make("div", { class: "funnel", "data-table": name }, ...lines));
}

function quadrantRows() {
  return rowsOf("note_quadrant").filter((row) => row.quadrant !== null && row.visit_rate !== null)
    .map((row) => ({ ...row, title: (row.title ?? row.note_id).slice(0, 60), quadrant_name: label("quadrant", row.quadrant) }));
}

function lagRows() {
  const rows = rowsOf("purchase_lag").filter((row) => row.currency === mainCurrency() && row.order_lines !== null);
  const all = {};
  for (const row of rows) all[row.category] = (all[row.category] ?? 0) + row.order_lines;
  return rows.map((row) => ({
    name: label("category", row.category), band: Number(row.band), band_name: label("band", row.band),
    order_lines: row.order_lines, share: row.order_lines / all[row.category], median_days: row.median_days,
  }));
}

/** Formulas, models and versions. */
function methodView() {
  const columns = new Map();
  for (const table of Object.values(data.tables)) for (const column of table.columns) if (column.tip) columns.set(column.name, column);
  const plainTable = (head, rows) => make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": head[0] },
    make("table", {}, make("thead", {}, make("tr", {}, ...head.map((text) => make("th", { scope: "col" }, text)))),
      make("tbody", {}, ...rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((text) => make("td", {}, text)))))));
  const versions = ["program", "window_set", "scope", "reference", "files", "newest_file"].filter((name) => data.basis[name]);
  return [
    make("div", { class: "pair" },
      make("div", { class: "card" }, make("h3", {}, say("models")), make("p", { class: "quiet" }, say("models_says")),
        plainTable([say("model"), say("meaning")], data.models.map((model) => [of(model.label), of(model.rule)]))),
      make("div", { class: "card" }, make("h3", {}, say("versions")), make("p", { class: "quiet" }, ""),
        make("dl", { class: "plain" }, ...versions.flatMap((name) => [make("dt", {}, say(name)), make("dd", {}, data.labels[name] ? label(name, data.basis[name]) : data.basis[name])]),
          make("dt", {}, say("privacy")), make("dd", {}, `k = ${data.targets.privacy_k}`),
          make("dt", {}, say("targets")), make("dd", {}, Object.entries(data.targets).filter(([name]) => name !== "privacy_k").map(([name, value]) => `${WORDS[name] ? say(name) : name} ${value}`).join(state.language === "zh" ? "，" : ", "))))),
    make("div", { class: "card" }, make("details", {}, make("summary", {}, say("definitions")), make("p", { class: "quiet" }, say("definitions_says")),
      plainTable([say("figure"), say("meaning")], [...columns.values()].map((column) => [of(column.label), column.tip])))),
  ];
}
