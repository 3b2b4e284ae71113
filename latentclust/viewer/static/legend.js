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
 * or null if it is pressed again. Without `choose` there is nothing to highlight. `compared` has the legend of another
 * scene, or none, whose shares take the place of the areas, and the titles of both scenes.
 */
export function showLegend({ rows, exact }, kind, only, choose, compared = null) {
  const [unit, metres] = areaUnit(Math.max(0, ...rows.map((row) => row.area_m2 ?? 0)));
  const known = rows.some((row) => (row.area_m2 ?? null) !== null);
  byId("legend").closest("table").classList.toggle("unmeasured", rows.every((row) => row.share === undefined));
  byId("legend-of").textContent = kind === "classes" ? "Class" : "Cluster";
  byId("share-of").textContent = compared ? compared.titles[0] : "Share";
  byId("area-unit").textContent = compared ? compared.titles[1] : known ? unit : "Pixels";
  for (const [at, id] of ["share-of", "area-unit"].entries()) byId(id).title = compared ? `Share in ${compared.titles[at]}` : "";
  const size = (row) => (compared ? shareIn(compared.legend, row, kind) : known ? area(row, metres) : pixels(row));
  byId("legend").replaceChildren(...rows.map((row) => legendRow(row, rows, size(row), only, choose)));
  const counted = exact && (compared?.legend?.exact ?? true);
  byId("legend-note").hidden = counted;
  byId("legend-note").textContent = counted ? "" : "Shares and pixels are estimated from a part of the pixels.";
  byId("legend-panel").hidden = false;
}

/** Return the share of a row in the legend of another scene, whose classes may be numbered otherwise. */
function shareIn(legend, row, kind) {
  const same = (each) => (kind === "classes" ? each.name === row.name : each.value === row.value);
  return percent(legend?.rows.find(same)?.share);
}

function area({ area_m2 }, metres) {
  return area_m2 === undefined || area_m2 === null ? "–" : plain(area_m2, metres);
}

function pixels({ pixels }) {
  return pixels === undefined ? "–" : pixels.toLocaleString("en");
}

function legendRow(row, rows, size, only, choose) {
  const pressed = row.value === only;
  const name = element("span", { class: "name", dir: "auto" }, row.name);
  const title = "Highlight it on the map; press again to show all";
  const attributes = choose ? { type: "button", "aria-pressed": String(pressed), title } : { class: "entry" };
  const button = element(choose ? "button" : "span", attributes, swatch(row.colour), name);
  if (isRepeated(row, rows)) button.append(element("span", { class: "muted" }, `(${row.value})`));
  if (choose) button.addEventListener("click", () => choose(pressed ? null : row.value));
  const made = element(
    "tr",
    { "data-value": String(row.value) },
    element("td", {}, button),
    element("td", { class: "number" }, percent(row.share)),
    element("td", { class: "number" }, size),
  );
  return made;
}
