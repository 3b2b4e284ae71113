// The legend: each cluster or class with its colour, name, share and area, and a button that highlights it.

import { byId, element, swatch } from "./element.js";
import { areaUnit, percent, plain } from "./numbers.js";

/** Return the name of a row, with its number if another row has the same name. */
export function titleOf(row, rows) {
  return isRepeated(row, rows) ? `${row.name} (${row.value})` : row.name;
}

function isRepeated(row, rows) {
  return rows.some((each) => each !== row && each.name === row.name);
}

/**
 * Show the rows of a legend. `only` is the highlighted value, or null; `choose` gets the value of a pressed button,
 * or null if it is pressed again. Without `choose` there is nothing to highlight.
 */
export function showLegend({ rows, exact }, kind, only, choose) {
  const [unit, metres] = areaUnit(Math.max(0, ...rows.map((row) => row.area_m2 ?? 0)));
  const known = rows.some((row) => (row.area_m2 ?? null) !== null);
  byId("legend").closest("table").classList.toggle("unmeasured", rows.every((row) => row.share === undefined));
  byId("legend-of").textContent = kind === "classes" ? "Class" : "Cluster";
  byId("area-unit").textContent = known ? unit : "Pixels";
  byId("legend").replaceChildren(...rows.map((row) => legendRow(row, rows, known, metres, only, choose)));
  byId("legend-note").hidden = exact;
  byId("legend-note").textContent = exact ? "" : "Shares and pixels are estimated from a part of the pixels.";
  byId("legend-panel").hidden = false;
}

function legendRow(row, rows, known, metres, only, choose) {
  const pressed = row.value === only;
  const name = element("span", { class: "name", dir: "auto" }, row.name);
  const title = "Highlight it on the map; press again to show all";
  const attributes = choose ? { type: "button", "aria-pressed": String(pressed), title } : { class: "entry" };
  const button = element(choose ? "button" : "span", attributes, swatch(row.colour), name);
  if (isRepeated(row, rows)) button.append(element("span", { class: "muted" }, `(${row.value})`));
  if (choose) button.addEventListener("click", () => choose(pressed ? null : row.value));
  const size = known ? row.area_m2 : row.pixels;
  const text = size === undefined || size === null ? "–" : known ? plain(size, metres) : size.toLocaleString("en");
  const made = element(
    "tr",
    { "data-value": String(row.value) },
    element("td", {}, button),
    element("td", { class: "number" }, percent(row.share)),
    element("td", { class: "number" }, text),
  );
  return made;
}
