// What is known about the pixel at a place: cluster, class, confidence, probabilities and the values of bands.

import { byId, element, swatch } from "./element.js";
import { titleOf } from "./legend.js";
import { measured, percent } from "./numbers.js";

const NAMES = { labels: "Cluster", classes: "Class" };

/** Show the answers of the server about a pixel of each scene. Of several scenes, each has its date or title. */
export function showPixels(scenes, found) {
  const parts = scenes.flatMap((scene, at) => {
    const facts = pixelFacts(found[at], scene.legends.labels?.rows ?? []);
    return scenes.length > 1 ? [element("h3", { dir: "auto" }, scene.short), facts] : [facts];
  });
  byId("pixel").replaceChildren(...parts);
  byId("pixel-hint").hidden = true;
}

/** Return what is known about a pixel, with the names of clusters for its probabilities. */
function pixelFacts(found, clusters) {
  const rows = [];
  for (const kind of ["labels", "classes"]) {
    if (!(kind in found)) continue;
    const entry = found[kind];
    rows.push([NAMES[kind], entry ? [swatch(entry.colour), " ", named(entry.name)] : ["no data"]]);
  }
  if (found.confidence !== undefined && found.confidence !== null) rows.push(["Confidence", [percent(found.confidence)]]);
  (found.probabilities ?? []).forEach((share, at) => {
    if (share > 0.005) rows.push([named(`P(${clusters[at] ? titleOf(clusters[at], clusters) : at + 1})`), [percent(share)]]);
  });
  for (const band of found.bands ?? []) rows.push([named(band.name), [measured(band.value)]]);
  if (found.row) rows.push(["Row, column", [`${found.row.toLocaleString("en")}, ${found.column.toLocaleString("en")}`]]);
  if (found.coordinates) rows.push(["Coordinates", [found.coordinates.map((value) => value.toString()).join(", ")]]);
  for (const problem of found.problems) rows.push(["Problem", [problem]]);
  const parts = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, ...value)]);
  const outside = rows.length === 0;
  return outside ? element("p", {}, "There is no pixel of the scene.") : element("dl", { class: "facts" }, ...parts);
}

function named(text) {
  return element("bdi", {}, text);
}
