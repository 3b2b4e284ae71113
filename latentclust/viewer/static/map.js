// The page with the map: which scene, layer, bands and cluster are shown.

import { BandChoice } from "./bands.js";
import { byId, element } from "./element.js";
import { showLegend, titleOf } from "./legend.js";
import { percent } from "./numbers.js";
import { showPixel } from "./pixel.js";
import { address, ask, tell } from "./server.js";
import { makeSwipe } from "./swipe.js";
import { TwinMaps } from "./twin_maps.js";

const LAYERS = { labels: "Clusters", classes: "Classes", confidence: "Confidence", probabilities: "Probability" };
const POLL = 5000;

const view = JSON.parse(byId("view").textContent);
const state = { scene: 0, facts: null, legends: {}, layer: "labels", only: null, versions: null, at: null };
const maps = new TwinMaps(byId("below"), byId("above"), (error) => tell(error?.message ?? "A tile cannot be drawn."));
const setSwipe = makeSwipe(byId("above"));
const bands = new BandChoice(draw);
const scale = maps.scale();

/** Show another scene of the list. The view stays if the scene lies in it. */
async function openScene(index, fit = false) {
  state.scene = index;
  const [facts, legends] = await Promise.all([ask(`api/scenes/${index}`), ask(`api/scenes/${index}/legends`)]);
  if (state.scene !== index) return;
  Object.assign(state, { facts, legends, versions: null });
  tell("");
  showProblems([...new Set([...facts.problems, ...legends.problems])]);
  offerLayers();
  nameScene();
  byId("image-panel").hidden = !facts.layers.scene;
  if (facts.layers.scene) bands.offer(facts.bands, facts.shown);
  await maps.ready;
  scale.hidden = !anyLayer()?.onEarth;
  if (anyLayer() && (fit || !maps.sees(anyLayer().bounds))) maps.fit(anyLayer().bounds);
  draw();
  if (state.at) await readPixel(state.at);
}

function anyLayer() {
  return state.facts.layers.scene ?? Object.values(state.facts.layers)[0];
}

function nameScene() {
  const { width, height, crs } = anyLayer() ?? {};
  const size = width ? `${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels` : "";
  const place = size ? (crs ?? "pixel coordinates") : "";
  byId("scene-name").textContent = [view.scenes[state.scene].title, size, place].filter(Boolean).join(" · ");
}

function showProblems(problems) {
  byId("problems").hidden = !problems.length;
  byId("problems").replaceChildren(...problems.map((text) => element("p", { dir: "auto" }, text)));
}

function offerLayers() {
  const kinds = Object.keys(LAYERS).filter((kind) => kind in state.facts.layers);
  byId("layer").replaceChildren(...kinds.map((kind) => element("option", { value: kind }, LAYERS[kind])));
  if (!kinds.includes(state.layer)) state.layer = kinds[0] ?? null;
  byId("layer").value = state.layer ?? "";
  byId("layer-panel").hidden = !kinds.length;
  const clusters = state.legends.labels?.rows ?? [];
  const before = byId("layer-band").value;
  const options = clusters.map((row) => element("option", { value: String(row.value) }, titleOf(row, clusters)));
  byId("layer-band").replaceChildren(...options);
  if (clusters.some((row) => String(row.value) === before)) byId("layer-band").value = before;
}

/** Draw scene, layer and legend as they are chosen now. */
function draw() {
  const { scene, ...layers } = state.facts.layers;
  maps.show("scene", scene ? tiles("scene", scene, bands.query) : null);
  const layer = state.layer ? layers[state.layer] : null;
  maps.show("layer", layer ? tiles(state.layer, layer, layerQuery()) : null);
  maps.setOpacity(Number(byId("opacity").value) / 100);
  setSwipe(Boolean(scene && layer));
  byId("left").textContent = "Image";
  byId("right").textContent = LAYERS[state.layer] ?? "";
  byId("band-row").hidden = state.layer !== "probabilities";
  showRamp();
  drawLegend();
}

function showRamp() {
  byId("ramp").hidden = !["confidence", "probabilities"].includes(state.layer);
  const count = state.legends.labels?.rows.length;
  byId("ramp-low").textContent = state.layer === "confidence" && count ? percent(1 / count) : "0 %";
}

function legendKind() {
  return state.layer === "classes" ? "classes" : "labels";
}

function drawLegend() {
  const legend = state.legends[legendKind()];
  byId("legend-panel").hidden = !legend;
  if (!legend) return;
  const choose = (value) => {
    const pressed = document.activeElement?.closest("tr")?.dataset.value;
    if (state.layer !== legendKind()) chooseLayer("labels");
    state.only = value;
    draw();
    if (pressed) document.querySelector(`#legend tr[data-value="${pressed}"] button`)?.focus();
  };
  showLegend(legend, legendKind(), state.only, legendKind() in state.facts.layers ? choose : null);
  document.dispatchEvent(new CustomEvent("legend-shown", { detail: { kind: legendKind(), legend } }));
}

function layerQuery() {
  if (state.layer === "probabilities") return `band=${byId("layer-band").value || 1}`;
  if (!["labels", "classes"].includes(state.layer)) return "";
  const version = state.legends[state.layer]?.version ?? "";
  return state.only === null ? `legend=${version}` : `legend=${version}&only=${state.only}`;
}

function tiles(kind, { bounds, minzoom, maxzoom, version }, query) {
  const path = `tiles/${state.scene}/${kind}/{z}/{x}/{y}?${query}&version=${version}`;
  return { tiles: address(path), bounds, minzoom, maxzoom, side: view.side };
}

function chooseLayer(kind) {
  if (kind !== legendKind()) state.only = null;
  state.layer = kind;
  byId("layer").value = kind;
}

/** Read the pixel at a place of the map, and show it in its panel. */
async function readPixel(at) {
  const { scene } = state;
  const current = () => state.at === at && state.scene === scene;
  state.at = at;
  placeCross();
  try {
    const found = await ask(`api/scenes/${scene}/pixel?lon=${at.lng}&lat=${at.lat}`);
    if (current()) showPixel(found, state.legends.labels?.rows ?? []);
  } catch (error) {
    if (current()) tell(error.message);
  }
}

function placeCross() {
  const cross = byId("cross");
  const centred = maps.below.getCanvas().matches(":focus-visible");
  const at = state.at ?? (centred ? maps.below.getCenter() : null);
  cross.hidden = !at;
  if (!at) return;
  const { x, y } = maps.below.project(at);
  cross.style.left = `${x}px`;
  cross.style.top = `${y}px`;
}

/** Ask whether rasters or names have changed, and show what is new. */
async function poll() {
  if (document.hidden || !state.facts) return;
  try {
    const now = (await ask("api/versions"))[state.scene];
    const before = state.versions;
    state.versions = now;
    if (!before || JSON.stringify(before) === JSON.stringify(now)) return;
    await openScene(state.scene);
    state.versions = now;
  } catch (error) {
    tell(error.message);
  }
}

function listScenes() {
  const items = view.scenes.map(({ title, moment }, index) => {
    const input = element("input", { type: "radio", name: "scene", value: String(index) });
    input.checked = index === 0;
    input.addEventListener("change", () => openScene(index).catch((error) => tell(error.message)));
    const date = moment ? element("span", { class: "muted" }, moment.slice(0, 10)) : "";
    return element("label", {}, input, element("span", { dir: "auto" }, title), date);
  });
  byId("scene-list").replaceChildren(...items);
}

function listen() {
  const { below } = maps;
  byId("layer").addEventListener("change", (event) => {
    chooseLayer(event.target.value);
    draw();
  });
  byId("layer-band").addEventListener("change", draw);
  byId("opacity").addEventListener("input", (event) => {
    byId("opacity-value").textContent = `${event.target.value} %`;
    maps.setOpacity(Number(event.target.value) / 100);
  });
  byId("closer").addEventListener("click", () => below.zoomIn());
  byId("farther").addEventListener("click", () => below.zoomOut());
  byId("whole").addEventListener("click", () => maps.fit(anyLayer().bounds));
  byId("base-map")?.addEventListener("change", (event) => switchBaseMap(event.target.checked));
  below.on("click", (event) => readPixel(event.lngLat));
  below.on("move", placeCross);
  below.getCanvas().addEventListener("keydown", (event) => {
    if (event.key === "Enter") readPixel(below.getCenter());
  });
  for (const name of ["focus", "blur"]) below.getCanvas().addEventListener(name, placeCross);
  document.addEventListener("names-changed", () => openScene(state.scene).catch((error) => tell(error.message)));
  setInterval(poll, POLL);
}

function switchBaseMap(shown) {
  maps.showBaseMap(shown && Boolean(anyLayer()?.onEarth));
  const link = element("a", { href: "https://www.openstreetmap.org/copyright", rel: "noreferrer" }, "OpenStreetMap");
  const note = element("span", { class: "maplibregl-ctrl maplibregl-ctrl-attrib" }, "© ", link, " contributors");
  byId("attribution")?.remove();
  note.id = "attribution";
  if (shown) byId("corner").append(note);
}

byId("corner").append(scale);
listScenes();
listen();
openScene(0, true).catch((error) => tell(error.message));
