// Charts: drawn when they come into view, the others when there is time.
const waiting = new Map(); // place → what draws it
const started = new Map(); // place → the promise of its chart
let round = 0;

/** A place for a chart; `rows` gives its data when it is drawn. */
function chart(name, title, rows) {
  const place = make("div", { class: "chart", role: "img", "aria-label": title, "data-chart": name });
  waiting.set(place, async () => {
    const found = rows();
    if (!found.length) {
      place.textContent = say("no_rows");
      return;
    }
    const specification = structuredClone(data.charts[name][at()]);
    specification.data.find((set) => set.name === "rows").values = found;
    await vegaEmbed(place, specification, {
      mode: "vega", ast: true, actions: false, renderer: "svg", defaultStyle: false, hover: false,
      tooltip: { theme: "light" },
    });
    // The place says what the picture shows, and the table below it all that it shows.
    place.querySelector("svg").setAttribute("aria-hidden", "true");
    for (const element of place.querySelectorAll("[role]")) element.removeAttribute("role");
  });
  return place;
}

function draw(place) {
  if (!started.has(place)) started.set(place, waiting.get(place)());
  return started.get(place);
}

const watcher = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting && waiting.has(target)) draw(target);
}, { rootMargin: "200px" });

const idle = () => new Promise((go) => (window.requestIdleCallback ?? setTimeout)(go, { timeout: 200 }));

/** Draw what is in view at once, and all else one after the other while nothing else happens. */
async function drawCharts() {
  const mine = ++round;
  document.body.dataset.charts = "waiting";
  const places = [...waiting.keys()];
  places.forEach((place) => watcher.observe(place));
  for (const place of places) {
    await idle();
    if (mine !== round) return;
    await draw(place);
  }
  document.body.dataset.charts = "drawn";
}

function forgetCharts() {
  watcher.disconnect();
  waiting.clear();
  started.clear();
}
