// Dialog with an enlarged image and what is known about it.

import { element, foreign, swatch } from "./element.js";
import { colourOf, nameOf } from "./names.js";
import { grouped, percent } from "./numbers.js";
import { readAll } from "./reading.js";
import { address, ask } from "./server.js";
import { isSelected, select } from "./selection.js";

const part = (id) => document.getElementById(id);

/** Make the dialog. `grid` has the images; `onSimilar(index)` shows those that are like one. */
export function imageDialog(grid, onSimilar) {
  const dialog = part("enlarged");
  let place = 0;

  const item = () => grid.items()[place];

  function show(to) {
    place = Math.max(0, Math.min(grid.items().length - 1, to));
    const { index } = item();
    const image = part("enlarged-image");
    image.hidden = false;
    image.onerror = () => (image.hidden = true);
    image.src = address(`images/${index}/large.png`);
    image.alt = `Image ${index}`;
    image.onload = () => image.classList.toggle("pixelated", image.naturalWidth < 256);
    part("enlarged-heading").textContent = `Image ${grouped(index)}`;
    part("earlier").disabled = place === 0;
    part("later").disabled = place === grid.items().length - 1;
    part("enlarged-note").textContent = "";
    facts(null);
    mark();
    learn(index);
    grid.move(place, false);
    if (!dialog.open) dialog.showModal();
  }

  function facts(second) {
    const { path, index, cluster, confidence } = item();
    const rows = [
      ["Path", path && foreign(path)],
      ["Index", `${index}`],
      ["Cluster", called(cluster)],
      ["Confidence", percent(confidence)],
      ["Second cluster", second && called(second.cluster, `, ${percent(second.confidence)}`)],
    ];
    const shown = rows.filter(([, value]) => value);
    part("facts").replaceChildren(
      ...shown.flatMap(([term, value]) => [element("dt", {}, term), element("dd", {}, value)]),
    );
  }

  function called(cluster, more = "") {
    const name = nameOf(cluster);
    const number = name === `cluster ${cluster}` ? "" : ` (cluster ${cluster})`;
    return element("span", {}, swatch(colourOf(cluster)), " ", foreign(name), `${number}${more}`);
  }

  async function learn(index) {
    const stillShown = () => dialog.open && item().index === index;
    try {
      let known = await ask(`api/gallery/images/${index}`);
      if (!known.known) {
        await readAll(({ done, total }) => {
          const text = `Reading all images for second clusters: ${grouped(done)} of ${grouped(total)}`;
          if (stillShown()) part("enlarged-note").textContent = text;
        });
        known = await ask(`api/gallery/images/${index}`);
      }
      if (!stillShown()) return;
      facts(known.second);
      part("enlarged-note").textContent = "";
    } catch (error) {
      if (stillShown()) part("enlarged-note").textContent = error.message;
    }
  }

  function mark() {
    if (!grid.items().length) return;
    const selected = isSelected(item()?.index);
    part("toggle").setAttribute("aria-pressed", selected);
    part("toggle").textContent = selected ? "Selected" : "Select";
  }

  part("close").addEventListener("click", () => dialog.close());
  part("earlier").addEventListener("click", () => show(place - 1));
  part("later").addEventListener("click", () => show(place + 1));
  part("toggle").addEventListener("click", () => select([item().index], !isSelected(item().index)));
  part("similar").addEventListener("click", () => {
    dialog.close();
    onSimilar(item().index);
  });
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || place + step < 0 || place + step >= grid.items().length) return;
    event.preventDefault();
    show(place + step);
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => grid.move(place));
  document.addEventListener("selection", mark);
  document.addEventListener("names", () => dialog.open && show(place));
  return show;
}
