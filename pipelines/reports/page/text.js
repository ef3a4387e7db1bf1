// What the page itself says, in both languages, and how figures are written.
const LANGUAGES = { zh: 0, en: 1 };
const WORDS = {
  report: ["种草归因日报", "seeding report"],
  as_of: ["截至", "As of"],
  model: ["归因模型", "Model"],
  basis: [
    "截至 {as_of}，{model}模型，窗口版本 {window_set}，竞争范围 {scope}。归因说明谁在购买前出现过，不等于因果。",
    "As of {as_of}, model {model}, windows {window_set}, scope {scope}. Attribution says who was present before a purchase, not who caused it.",
  ],
  search: ["搜索", "Search"],
  all: ["全部", "All"],
  rows: ["{shown} / {all} 行", "{shown} of {all} rows"],
  more: ["再显示 {n} 行", "Show {n} more rows"],
  no_rows: ["没有数据", "No rows"],
  sum: ["合计", "Total"],
  sum_shown: ["合计（不含 {n} 个隐藏行）", "Total (without {n} suppressed rows)"],
  hidden: ["因购买人数少于 {k} 人而隐藏，或为保护这样的单元而隐藏。", "Suppressed: fewer than {k} buyers, or needed to protect such a cell."],
  unknown: ["未知：数据没有给出，或没有可除的数；从不当作 0。", "Unknown: not told by the data, or nothing to divide by; never 0."],
  open_figure: ["未成熟：窗口还开着，数字还会变。", "Maturing: windows are open, so this still changes."],
  target: ["目标 {target}", "Target {target}"],
  met: ["✓ 达标", "✓ met"],
  not_met: ["✗ 未达标", "✗ not met"],
  week_ago: ["较 {date}：{change}", "vs {date}: {change}"],
  no_week_ago: ["还没有一周前的日报可比；每天运行后，这里会显示变化。", "There is no report of a week ago to compare with yet; once it runs daily, changes show here."],
  chart_category: ["◆ ROI　● 直接ROI　灰条：直接ROI在各模型间的区间　虚线：目标 {target}　空心：未成熟", "◆ ROAS　● direct ROAS　grey: range of direct ROAS over models　dashed: target {target}　hollow: maturing"],
  chart_quadrant: ["● 明星　■ 低调带货　▲ 只有互动　✚ 偏弱　虚线：分界", "● star　■ quiet seller　▲ liked, no visits　✚ weak　dashed: where they part"],
  chart_lane: ["空心：未成熟", "Hollow: maturing"],
  refunds_off: ["已减退款", "after refunds"],
  of_known: ["已知买家中", "of buyers known"],
  spend_by_maturity: ["花费中未成熟的部分", "How much of the spend is mature"],
  notes_count: ["{n} 篇笔记", "{n} notes"],
  maturity_line: ["{name}：花费 {spend}，ROI {roas}，{notes}", "{name}: spend {spend}, ROAS {roas}, {notes}"],
  apart: ["未排名的笔记（{n}）", "Notes that are not ranked ({n})"],
  apart_says: ["太新、花费太少、订单或购买人数太少，不给建议。", "Too young, with too little spend, too few orders or too few buyers: nothing is advised."],
  agree: ["{n}/{all} 个模型一致", "{n} of {all} models agree"],
  of_step: ["{rate} · 占{step}", "{rate} of {step}"],
  missing_days: ["缺 {n} 天", "{n} days missing"],
  event_ends: ["（结束）", " (ends)"],
  at_least: ["至少：另有 {n} 个数未给出", "at least: {n} counts are not told"],
  whole_shop: ["全店", "whole shop"],
  all_arrived: ["近 {days} 天，到期的数据都已到齐。", "Everything that was due in the last {days} days has arrived."],
  some_missing: ["{n} 个日期缺数：{names}", "{n} days have not arrived: {names}"],
  quarantined: ["{n} 行被隔离：{names}", "{n} rows are quarantined: {names}"],
  not_here: ["本仓库尚无：{names}", "Not in this warehouse: {names}"],
  definitions: ["指标口径", "Definitions"],
  definitions_says: ["每个数字的公式；鼠标停在表头上也能看到。", "The formula of each figure, which also shows on hover over its heading."],
  figure: ["指标", "Figure"],
  meaning: ["含义与公式", "Meaning and formula"],
  models: ["归因模型", "Attribution models"],
  models_says: ["如何把一笔订单分给其路径上的触点。", "How an order is split over the touches of its journey."],
  versions: ["版本", "Versions"],
  program: ["程序", "Program"],
  window_set: ["窗口版本", "Windows"],
  scope: ["竞争范围", "Scope"],
  reference: ["参考表", "Reference tables"],
  files: ["数据文件数", "Files"],
  newest_file: ["最新文件接收于", "Newest file taken in"],
  roas_target: ["ROI目标", "ROAS target"],
  roas_pause: ["ROI停投线", "ROAS pause"],
  cpuv_target: ["进店成本目标（元）", "CPUV target (yuan)"],
  cpuv_pause: ["进店成本停投线（元）", "CPUV pause (yuan)"],
  min_age_days: ["最少发布天数", "least days since publication"],
  min_spend: ["最低花费（元）", "least spend (yuan)"],
  min_orders: ["最少订单", "least orders"],
  privacy: ["隐私阈值", "Privacy threshold"],
  targets: ["目标与阈值", "Targets and thresholds"],
  too_old: ["浏览器太旧，打不开这份报告。请用近三年的浏览器打开。", "This browser is too old for the report. Open it with a browser of the last three years."],
  roas_low: ["ROI区间", "ROAS range"],
  direct_low: ["直接ROI区间", "Direct range"],
  direction: { up: "▲", down: "▼", same: "＝" },
};
const UNKNOWN = "—";
const GLYPHS = { boost: "▲", keep: "●", watch: "◆", stop: "■", arrived: "✓", late: "◐", missing: "✗", not_due: "·", quarantined: "!" };
const SHORT = [
  [[1e8, "亿"], [1e4, "万"]],
  [[1e9, "B"], [1e6, "M"], [1e3, "K"]],
];

const state = { language: "zh", model: "", asOf: "" };
const at = () => LANGUAGES[state.language];

/** A word of the page, with {names} filled in. */
function say(word, values = {}) {
  return WORDS[word][at()].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** One of a pair of texts. */
const of = (pair) => (pair ? pair[at()] : "");

/** The word for a code of a column. */
function label(column, code) {
  const found = data.labels[column]?.[code ?? ""];
  if (found) return of(found);
  if (code === null || code === undefined) return UNKNOWN;
  return column === "path" ? pathText(code) : code;
}

/** A path in words: lane and kind of every touch. */
function pathText(path) {
  return path.split(" > ").map((step) => {
    const [lane, kind] = step.split(":");
    return `${label("lane", lane)}·${label("kind", kind)}`;
  }).join(" → ");
}

const formats = new Map();
function numberFormat(kind) {
  if (!formats.has(kind)) {
    const form = data.kinds[kind]?.form || ",.0f";
    const digits = Number(/\.(\d)/.exec(form)?.[1] ?? 0);
    formats.set(kind, new Intl.NumberFormat("en-US", {
      style: form.endsWith("%") ? "percent" : "decimal", minimumFractionDigits: digits, maximumFractionDigits: digits,
    }));
  }
  return formats.get(kind);
}

/** A value as its kind is written; what is unknown is a dash, never 0. */
function written(value, kind) {
  if (value === null || value === undefined) return UNKNOWN;
  if (typeof value !== "number") return String(value);
  const text = numberFormat(kind).format(value);
  return /[1-9]/.test(text) ? text : text.replace("-", "");
}

/** The same in 万 and 亿, or K and M. */
function short(value, kind) {
  if (typeof value === "number" && data.kinds[kind]?.large) {
    for (const [size, sign] of SHORT[at()]) {
      if (Math.abs(value) >= size) {
        const part = value / size;
        return `${part.toLocaleString("en-US", { maximumFractionDigits: Math.abs(part) >= 100 ? 0 : 1, minimumFractionDigits: Math.abs(part) >= 100 ? 0 : 1 })}${sign}`;
      }
    }
  }
  return written(value, kind);
}
