// Images with their label maps: swipe, opacity, layers, and clusters that are marked in the map, the table and the chart.
import { isolate } from "./bidi.js";
import { readData } from "./data.js";
import { paintMap, unpackMap } from "./map-pixels.js";
import { startSpectra } from "./spectra-chart.js";

const maps = readData("maps");
const mapPart = (name) => document.getElementById(`map-${name}`);
const mapStage = mapPart("stage");
const mapOverlay = mapPart("overlay");
const mapReadout = mapPart("readout");
const mapLegend = [...mapPart("legend").querySelectorAll("tbody tr")];
const colourOf = { labels: maps.clusters.map((each) => each.colour), truth: maps.classes.map((each) => each.colour) };
colourOf.confidence = maps.ramp.slice(1);
const mapState = { at: 0, layer: "labels", pinned: 0, hovered: 0, mark: null, planes: null };

function markedCluster() {
  return mapState.hovered || mapState.pinned;
}

async function showMap(at) {
  mapState.at = at;
  const map = maps.maps[at];
  const planes = {
    labels: await unpackMap(map.labels, maps.wide.labels),
    confidence: await unpackMap(map.confidence, false),
    truth: map.truth === null ? null : await unpackMap(map.truth, maps.wide.truth),
  };
  if (mapState.at !== at) return;
  mapState.planes = planes;
  mapState.mark = null;
  mapPart("mark").hidden = true;
  Object.assign(mapPart("picture"), { src: map.picture, alt: map.name });
  mapPart("picture").classList.toggle("pixelated", map.width < 300);
  mapStage.style.aspectRatio = `${map.width} / ${map.height}`;
  mapStage.style.maxWidth = `${(75 * map.width) / map.height}vh`;
  if (mapPart("image")) mapPart("image").value = String(at);
  if (mapPart("truth")) {
    mapPart("truth").hidden = planes.truth === null;
    if (planes.truth === null && mapState.layer === "truth") chooseLayer("labels");
  }
  drawMap();
}

function drawMap() {
  const { planes, layer, at } = mapState;
  if (!planes) return;
  const { width, height, name } = maps.maps[at];
  const marked = markedCluster();
  paintMap(mapOverlay, width, height, planes[layer], colourOf[layer], planes.labels, marked);
  const titles = { labels: "Label map", confidence: "Confidence", truth: "Ground truth" };
  const only = marked ? `, ${isolate(maps.clusters[marked - 1].name)} is marked` : "";
  mapOverlay.setAttribute("aria-label", `${titles[layer]} of ${isolate(name)}${only}`);
  for (const row of mapLegend) {
    const number = Number(row.dataset.cluster);
    row.classList.toggle("marked", number === marked);
    row.querySelector("button").setAttribute("aria-pressed", String(number === mapState.pinned));
  }
  markSpectrum(marked);
}

function chooseLayer(layer) {
  mapState.layer = layer;
  for (const input of document.getElementsByName("map-layer")) input.checked = input.value === layer;
  mapPart("scale").hidden = layer !== "confidence";
  if (mapPart("classes")) mapPart("classes").hidden = layer !== "truth";
  drawMap();
}

function hoverCluster(number) {
  if (mapState.hovered === number) return;
  mapState.hovered = number;
  drawMap();
}

function pinCluster(number) {
  mapState.pinned = mapState.pinned === number ? 0 : number;
  drawMap();
  if (mapState.pinned) showRow(mapLegend.find((row) => Number(row.dataset.cluster) === number));
}

// Scroll the table, but not the page, to a row.
function showRow(row) {
  const box = row.closest(".map-legend");
  const head = box.querySelector("thead").offsetHeight;
  const { top, bottom } = row.getBoundingClientRect();
  const first = box.getBoundingClientRect().top + box.clientTop;
  if (top < first + head) box.scrollTop -= Math.ceil(first + head - top);
  else if (bottom > first + box.clientHeight) box.scrollTop += Math.ceil(bottom - first - box.clientHeight);
}

function setSwipe() {
  const share = mapPart("swipe").value;
  mapOverlay.style.clipPath = `inset(0 0 0 ${share}%)`;
  mapPart("divider").style.left = `${share}%`;
}

function pixelAt(event) {
  const { width, height } = maps.maps[mapState.at];
  const box = mapStage.getBoundingClientRect();
  const place = (share, count) => Math.min(count - 1, Math.max(0, Math.floor(share * count)));
  return [
    place((event.clientX - box.left) / box.width, width),
    place((event.clientY - box.top) / box.height, height),
  ];
}

function clusterAt([column, row]) {
  return mapState.planes?.labels[row * maps.maps[mapState.at].width + column] ?? 0;
}

function readOut([column, row]) {
  const { planes, at } = mapState;
  if (!planes) return;
  const { width, step } = maps.maps[at];
  const pixel = row * width + column;
  const count = (position) => (position * step + 1).toLocaleString("en");
  const place = `Row ${count(row)}, column ${count(column)}`;
  const cluster = planes.labels[pixel];
  const parts = cluster
    ? [isolate(maps.clusters[cluster - 1].name), `probability ${(planes.confidence[pixel] / maps.steps).toFixed(2)}`]
    : ["no data"];
  if (planes.truth?.[pixel]) parts.push(`ground truth ${isolate(maps.classes[planes.truth[pixel] - 1].name)}`);
  mapReadout.textContent = `${place}: ${parts.join(", ")}`;
}

function moveMark(event) {
  const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!by) return false;
  const { width, height } = maps.maps[mapState.at];
  const far = Math.max(1, Math.round(Math.max(width, height) / (event.shiftKey ? 10 : 50)));
  const [column, row] = mapState.mark ?? [Math.floor(width / 2), Math.floor(height / 2)];
  const clamp = (value, count) => Math.min(count - 1, Math.max(0, value));
  mapState.mark = [clamp(column + far * by[0], width), clamp(row + far * by[1], height)];
  const mark = mapPart("mark");
  mark.hidden = false;
  mark.style.left = `${(100 * (mapState.mark[0] + 0.5)) / width}%`;
  mark.style.top = `${(100 * (mapState.mark[1] + 0.5)) / height}%`;
  readOut(mapState.mark);
  return true;
}

function startSwipe() {
  const divider = mapPart("divider");
  const follow = (event) => {
    const box = mapStage.getBoundingClientRect();
    mapPart("swipe").value = Math.round((100 * (event.clientX - box.left)) / box.width);
    setSwipe();
  };
  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    follow(event);
    divider.addEventListener("pointermove", follow);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    divider.addEventListener(end, () => divider.removeEventListener("pointermove", follow));
  }
  divider.addEventListener("click", (event) => event.stopPropagation());
  mapPart("swipe").addEventListener("input", setSwipe);
  mapPart("opacity").addEventListener("input", (event) => {
    mapOverlay.style.opacity = event.target.value / 100;
  });
  setSwipe();
}

function startStage() {
  mapStage.addEventListener("pointermove", (event) => readOut(pixelAt(event)));
  mapStage.addEventListener("click", (event) => {
    const number = clusterAt(pixelAt(event));
    if (number) pinCluster(number);
  });
  mapStage.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && mapState.mark) {
      const number = clusterAt(mapState.mark);
      if (number) pinCluster(number);
    } else if (!moveMark(event)) return;
    event.preventDefault();
  });
}

function startLegend() {
  for (const row of mapLegend) {
    const number = Number(row.dataset.cluster);
    const button = row.querySelector("button");
    row.addEventListener("pointerenter", () => hoverCluster(number));
    row.addEventListener("pointerleave", () => hoverCluster(0));
    button.addEventListener("focus", () => hoverCluster(number));
    button.addEventListener("blur", () => hoverCluster(0));
    button.addEventListener("click", () => pinCluster(number));
  }
  mapPart("view").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    mapState.pinned = 0;
    mapState.hovered = 0;
    drawMap();
  });
}

function startChooser() {
  const count = maps.maps.length;
  if (count > 1) {
    mapPart("image").addEventListener("change", (event) => showMap(Number(event.target.value)));
    mapPart("previous").addEventListener("click", () => showMap((mapState.at + count - 1) % count));
    mapPart("next").addEventListener("click", () => showMap((mapState.at + 1) % count));
  }
  for (const input of document.getElementsByName("map-layer")) {
    input.addEventListener("change", () => chooseLayer(input.value));
  }
}

const spectraChart = document.getElementById("spectra-chart");
const markSpectrum = spectraChart
  ? startSpectra(spectraChart, maps, (number, pin) => (pin ? pinCluster(number) : hoverCluster(number)))
  : () => {};
startSwipe();
startStage();
startLegend();
startChooser();
showMap(0);
