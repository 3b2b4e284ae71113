// Pictures of samples. The place of a picture in the sheets follows from its slot, as in atlas.py.
import { isolate } from "./bidi.js";
import { readData } from "./data.js";

export const samples = readData("samples");

export function sampleName(slot) {
  return samples.paths.length ? samples.paths[slot] : `#${samples.index[slot]}`;
}

export function thumb(slot, large = false) {
  const { across, perSheet } = samples;
  const at = slot % perSheet;
  const picture = document.createElement("span");
  picture.className = `thumb sheet-${Math.floor(slot / perSheet)}${large ? " large" : ""}`;
  picture.style.setProperty("--x", at % across);
  picture.style.setProperty("--y", Math.floor(at / across));
  picture.dataset.slot = slot;
  return picture;
}

// What is known about a sample, one line each.
export function describe(slot) {
  const { clusterNames, classNames } = samples;
  const share = (value) => value.toFixed(3);
  const lines = [
    sampleName(slot),
    `${isolate(clusterNames[samples.cluster[slot]])}, probability ${share(samples.confidence[slot])}`,
  ];
  if (samples.second[slot] >= 0) {
    lines.push(`next: ${isolate(clusterNames[samples.second[slot]])}, ${share(samples.secondProbability[slot])}`);
  }
  if (samples.classes && samples.classes[slot] >= 0) lines.push(`class: ${classNames[samples.classes[slot]]}`);
  if (samples.paths.length) lines.push(`number ${samples.index[slot]}`);
  return lines;
}

export function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  if (className) made.className = className;
  return made;
}

// A title for each picture would make the page larger, so it is set when the pointer first comes.
document.addEventListener("pointerover", (event) => {
  const picture = event.target.closest?.("[data-slot]");
  if (picture && !picture.title) picture.title = describe(Number(picture.dataset.slot)).join("\n");
});
