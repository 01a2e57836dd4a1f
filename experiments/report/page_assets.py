"""What the ledger's page looks like and how its table sorts: one style sheet and one script, both inline."""

from experiments.plots.canvas import PALETTE
from experiments.report.ledger import COLUMNS

COLOURS = "\n".join(f".c{index} {{ color: {colour}; }}" for index, colour in enumerate(PALETTE))
LABELS = "\n".join(
    f'  td.{column.name}::before {{ content: "{column.name}"; }}' for column in COLUMNS if column.on_page
)

STYLE = (
    """
:root { color-scheme: light dark; --text: #1c2128; --muted: #5b6472; --page: #fff; --card: #f6f7f9; --line: #dde1e6;
  --accent: #0061a8; --warning: #fff4d6; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7eb; --muted: #9aa4b2; --page: #14171b; --card: #1c2026;
  --line: #313740; --accent: #6cb6f5; --warning: #3a3116; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 90rem; padding: 2rem clamp(1rem, 2.5vw, 2.5rem) 4rem; background: var(--page);
  color: var(--text); overflow-wrap: anywhere;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
h1 { margin: 0; font-size: 1.9rem; letter-spacing: -.02em; }
h2 { margin: 3.5rem 0 1rem; padding-bottom: .35rem; border-bottom: 2px solid var(--line); font-size: 1.45rem; }
h3 { margin: 2rem 0 .4rem; font-size: 1.1rem; }
p { margin: .3rem 0; } .muted, figcaption, dt { color: var(--muted); } a { color: var(--accent); }
.scroll { overflow-x: auto; margin: 1.5rem 0; border: 1px solid var(--line); border-radius: 10px; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: -2px; }
table { width: 100%; border-collapse: collapse; overflow-wrap: normal; font-size: .82rem; line-height: 1.4; }
th, td { padding: .5rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; } tbody tr:hover { background: var(--card); }
th { padding: 0; background: var(--card); white-space: nowrap; }
th button { width: 100%; padding: .55rem .6rem; border: 0; background: none; color: inherit; font: inherit;
  font-weight: 600; text-align: inherit; cursor: pointer; }
th button::after { content: "↕"; padding-left: .2em; font-size: .8em; opacity: .35; }
th[aria-sort=ascending] button::after { content: "↑"; opacity: 1; }
th[aria-sort=descending] button::after { content: "↓"; opacity: 1; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td small { display: block; color: var(--muted); font-size: .75rem; white-space: normal; }
td.dataset { min-width: 11rem; } td.published { min-width: 9rem; } td.settings:not(:empty) { min-width: 7rem; }
  td.difference { min-width: 6rem; white-space: normal; } td.device { min-width: 6.5rem; }
td a { font-weight: 600; text-decoration: none; } td a:hover { text-decoration: underline; }
.warnings { margin: 1.5rem 0; padding: .8rem 1.1rem; border-radius: 10px; background: var(--warning); }
.warnings ul { margin: .2rem 0; padding-left: 1.2rem; }
.figures { columns: 2 28rem; column-gap: 1.2rem; margin-top: 1.2rem; }
figure { margin: 0 0 1.2rem; padding: .8rem; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); break-inside: avoid; }
figure img, figure > svg { display: block; width: 100%; max-width: 600px; height: auto; margin: 0 auto; }
figure img { padding: .4rem; border-radius: 6px; background: #fff; }
svg text { fill: var(--muted); font-size: 12px; } svg .end { text-anchor: end; } svg .grid { stroke: var(--line); }
.line { fill: none; stroke: currentColor; opacity: .5; stroke-linejoin: round; stroke-linecap: round;
  vector-effect: non-scaling-stroke; } .line.strong { stroke-width: 2px; opacity: 1; }
.band { fill: currentColor; opacity: .1; } .band.strong { opacity: .22; }
.d1 { stroke-dasharray: 7 4; } .d2 { stroke-dasharray: 1 4; }
"""
    + COLOURS
    + """
@media (prefers-color-scheme: dark) { .c6 { color: #b0b0b0; } }
.legend { margin: .4rem 0 0; padding: 0; list-style: none; font-size: .85rem; } .legend svg { width: 1.6rem;
  height: .55rem; margin-right: .5rem; }
a.picture { display: inline-block; margin: 0 1rem .4rem 0; }
#filters:not([hidden]) { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 1rem 0 0; }
#filters button, select { padding: .35rem .7rem; border: 1px solid var(--line); border-radius: 99px;
  background: var(--card); color: inherit; font: inherit; font-size: .875rem; cursor: pointer; }
#filters button[aria-pressed=true] { border-color: var(--accent); background: var(--accent); color: var(--page); }
#figures th { padding: .55rem .6rem; } #figures .family th { padding-top: 1.1rem; background: none; font-size: 1rem; }
#figures td.published, #figures td.verdict { min-width: 8.5rem; } #figures td.difference { min-width: 9rem; }
#figures td.figure { min-width: 13rem; } #figures td.ours, #figures td.seeds { white-space: nowrap; }
#figures td.run { min-width: 6rem; } #figures td.run a { display: block; font-weight: 400; }
#figures dl { max-width: 30rem; }
.state { font-weight: 600; white-space: nowrap; } .state::before { content: "● "; color: var(--verdict); }
.met { --verdict: #009e73; } .near { --verdict: #e69f00; } .far { --verdict: #d55e00; }
.not-compared, .not-run { --verdict: #8a93a0; } .not-run td { color: var(--muted); }
svg.bar { display: block; width: 8rem; height: 1.2rem; margin: .15rem 0; } .bar .within { fill: var(--line); }
.bar .length { fill: var(--verdict); } .bar .zero { stroke: var(--muted); }
[hidden] { display: none !important; }
figcaption { margin-top: .6rem; font-size: .85rem; }
summary { padding: .2rem 0; color: var(--accent); cursor: pointer; }
dl { display: grid; grid-template-columns: fit-content(45%) minmax(0, 1fr); gap: .15rem 1.2rem; margin: .6rem 0;
  font-size: .875rem; } dt, dd { margin: 0; }
@media (max-width: 48rem) {
  body { padding: 1rem .8rem 3rem; }
  .scroll { border: 0; }
  #ledger, #ledger tbody, #ledger tr, #ledger td, #figures, #figures tbody, #figures tr, #figures td,
    #figures .family th { display: block; }
  #figures { font-size: .9rem; } #figures thead { display: none; }
  #figures .family th { padding: .8rem 0 0; border: 0; }
  #figures tbody tr:not(.family) { margin: .8rem 0; padding: .5rem .7rem; border: 1px solid var(--line);
    border-radius: 10px; }
  #ledger { font-size: .9rem; } #ledger thead tr { display: flex; flex-wrap: wrap; }
  #ledger tbody tr { margin: .8rem 0; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: 10px; }
  #ledger td, #figures td:not(.figure) { display: grid; grid-template-columns: 5.5rem minmax(0, 1fr);
    gap: .1rem .6rem; min-width: 0; padding: .15rem 0; border: 0; text-align: left; white-space: normal;
    overflow-wrap: anywhere; }
  #ledger td > *, #figures td > * { grid-column: 2; } td::before { color: var(--muted); } td:empty { display: none; }
  #figures td { min-width: 0; padding: .15rem 0; border: 0; white-space: normal; }
  td.run::before { content: "run"; } td.verdict::before { content: "verdict"; }
"""
    + LABELS
    + """
  figure { padding: .5rem; } svg text { font-size: 14px; }
}
"""
)

SCRIPT = """
const table = document.getElementById("ledger");
const headers = [...table.tHead.rows[0].cells];

function key(cell, numeric) {
  if (!numeric) return cell.textContent;
  return cell.dataset.number === "" ? null : Number(cell.dataset.number);
}

function sort(header, descending) {
  const column = header.cellIndex, numeric = header.classList.contains("number");
  const keyed = [...table.tBodies[0].rows].map(row => [key(row.cells[column], numeric), row]);
  keyed.sort(([left], [right]) => {
    if (left === null || right === null) return (left === null) - (right === null);
    const order = numeric ? left - right : left.localeCompare(right, "en", {numeric: true});
    return descending ? -order : order;
  });
  table.tBodies[0].append(...keyed.map(([, row]) => row));
  for (const other of headers) other.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", descending ? "descending" : "ascending");
}

function sortAsAddressSays() {
  const [, minus, name] = location.hash.match(/^#sort=(-?)([a-z]+)$/) ?? [];
  const header = headers.find(header => header.dataset.column === name);
  if (header) sort(header, minus === "-");
}

for (const header of headers) {
  header.querySelector("button").addEventListener("click", () => {
    const descending = header.getAttribute("aria-sort") === "ascending";
    sort(header, descending);
    history.replaceState(null, "", `#sort=${descending ? "-" : ""}${header.dataset.column}`);
  });
}
addEventListener("hashchange", sortAsAddressSays);
sortAsAddressSays();

const filters = document.getElementById("filters");
const family = filters?.querySelector("select");

function show(state) {
  const count = {};
  for (const body of document.getElementById("figures").tBodies) {
    const [head, ...rows] = body.rows;
    for (const row of rows) {
      const ofFamily = family.value === "" || family.value === body.dataset.family;
      row.hidden = !ofFamily || (state !== "all" && row.className !== state);
      if (ofFamily) for (const name of ["all", row.className]) count[name] = (count[name] ?? 0) + 1;
    }
    head.hidden = rows.every(row => row.hidden);
  }
  for (const button of filters.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", button.dataset.show === state);
    button.querySelector("small").textContent = count[button.dataset.show] ?? 0;
  }
}

function showAsAddressSays() {
  const [, state, name] = location.hash.match(/^#show=([a-z-]+)(?:\\/([a-z%0-9]*))?$/) ?? [];
  const button = [...filters.querySelectorAll("button")].find(button => button.dataset.show === state);
  if (!button) return;
  const values = [...family.options].map(option => option.value);
  family.value = values.find(value => encodeURIComponent(value) === name) ?? "";
  show(state);
}

function chosen(state) {
  show(state);
  history.replaceState(null, "", `#show=${state}/${encodeURIComponent(family.value)}`);
}

if (filters) {
  filters.hidden = false;
  for (const button of filters.querySelectorAll("button"))
    button.addEventListener("click", () => chosen(button.dataset.show));
  family.addEventListener("change", () => chosen(filters.querySelector("[aria-pressed=true]").dataset.show));
  addEventListener("hashchange", showAsAddressSays);
  showAsAddressSays();
}
"""
