// The figures: unpacked once, read by date and model.
let data;
const remembered = new Map();

async function unpack() {
  const packed = Uint8Array.from(atob(document.getElementById("packed").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  data = JSON.parse(await new Response(stream).text());
}

/** The rows of a table on a date by a model, as objects; ratios are made of their parts. */
function rowsOf(name, { model = state.model, asOf = state.asOf } = {}) {
  const table = data.tables[name];
  if (!table) return [];
  const key = `${table.by.includes("as_of") ? asOf : ""}|${table.by.includes("model") ? model : ""}`;
  const place = `${name}|${key}`;
  if (!remembered.has(place)) remembered.set(place, table.parts[key] ? unfolded(table, table.parts[key]) : []);
  return remembered.get(place);
}

function unfolded(table, places) {
  const columns = places.map((place, i) => {
    const values = table.pool[place];
    return table.texts.includes(table.sent[i]) ? values.map((at) => (at === null ? null : data.texts[at])) : values;
  });
  const ratios = table.columns.filter((column) => column.of);
  return (columns[0] ?? []).map((_, row) => {
    const found = {};
    table.sent.forEach((name, i) => { found[name] = columns[i][row]; });
    for (const { name, of: [above, below] } of ratios) found[name] = ratio(found[above], found[below]);
    return found;
  });
}

/** Unknown where a part is unknown or there is nothing to divide by. */
const ratio = (above, below) => (above === null || above === undefined || !below ? null : above / below);

/** The sum of what is known; unknown where nothing is. */
function sum(rows, name) {
  const known = rows.map((row) => row[name]).filter((value) => value !== null && value !== undefined);
  return known.length ? known.reduce((a, b) => a + b, 0) : null;
}

/** The newest date of the report that lies at least so many days before the one shown. */
function earlier(days) {
  const limit = new Date(Date.parse(state.asOf) - days * 864e5).toISOString().slice(0, 10);
  return data.dates.find((day) => day <= limit);
}
