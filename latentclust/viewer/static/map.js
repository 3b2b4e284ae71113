// The page with the map: which scenes, layer, bands and cluster are shown.

import { BandChoice } from "./bands.js";
import { Comparison } from "./comparison.js";
import { byId, element } from "./element.js";
import { showLegend, titleOf } from "./legend.js";
import { percent } from "./numbers.js";
import { showPixels } from "./pixel.js";
import { ask, tell } from "./server.js";
import { ShownScene } from "./shown_scene.js";
import { makeSwipe } from "./swipe.js";
import { TwinMaps } from "./twin_maps.js";

const LAYERS = { labels: "Clusters", classes: "Classes", confidence: "Confidence", probabilities: "Probability" };
const POLL = 5000;

const view = JSON.parse(byId("view").textContent);
// `main` is the chosen scene, and `other` the one that it is compared with, or null.
const state = { index: 0, main: null, other: null, layer: "labels", only: null, versions: null, at: null };
const maps = new TwinMaps(byId("below"), byId("above"), (error) => tell(error?.message ?? "A tile cannot be drawn."));
const setSwipe = makeSwipe(byId("above"));
const bands = new BandChoice(draw);
const comparison = new Comparison(view.scenes, () => open().catch((error) => tell(error.message)), arrange);
const scale = maps.scale();

function shown() {
  return state.other ? [state.main, state.other] : [state.main];
}

/** Show the chosen scene and the one that it is compared with. The view stays if the scene lies in it. */
async function open(fit = false) {
  const wanted = [state.index, comparison.other].filter((index) => index !== null);
  const [main, other = null] = await Promise.all(wanted.map((index) => ShownScene.load(index, view.scenes[index], fit)));
  if (state.index !== main.index || comparison.other !== (other?.index ?? null)) return;
  Object.assign(state, { main, other });
  state.versions = shown().map((scene) => scene.facts.versions);
  tell("");
  showProblems([...new Set([...shown().flatMap((scene) => scene.problems), ...misplaced()])]);
  showOverviews();
  offerLayers();
  nameScene();
  byId("image-panel").hidden = !main.facts.layers.scene;
  byId("labelled-row").hidden = !shown().some((scene) => scene.facts.layers.scene?.masked);
  if (main.facts.layers.scene) bands.offer(main.facts.bands, main.facts.shown);
  await maps.ready;
  scale.hidden = !main.any?.onEarth;
  arrange();
  if (main.any && (fit || !maps.sees(main.any.bounds))) maps.fit(main.any.bounds);
  draw();
  if (state.at) await readPixel(state.at);
}

function misplaced() {
  const { main, other } = state;
  return other && !main.meets(other) ? [`${other.title} does not lie where ${main.title} does.`] : [];
}

function nameScene() {
  const { main, other } = state;
  const { width, height, crs } = main.any ?? {};
  const size = width ? `${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels` : "";
  const place = size ? (crs ?? "pixel coordinates") : "";
  const facts = other ? [main.title, other.title] : [main.title, size, place];
  byId("scene-name").textContent = facts.filter(Boolean).join(other ? " | " : " · ");
}

function showProblems(problems) {
  byId("problems").hidden = !problems.length;
  byId("problems").replaceChildren(...problems.map((text) => element("p", { dir: "auto" }, text)));
}

/** Show how far the overviews are that are being made. */
function showOverviews() {
  const texts = [...new Set(state.versions.map((each) => each.overview).filter(Boolean))];
  byId("overviews").hidden = !texts.length;
  byId("overviews").replaceChildren(...texts.map((text) => element("p", { dir: "auto" }, text)));
}

function offerLayers() {
  const kinds = Object.keys(LAYERS).filter((kind) => shown().some((scene) => kind in scene.facts.layers));
  byId("layer").replaceChildren(...kinds.map((kind) => element("option", { value: kind }, LAYERS[kind])));
  if (!kinds.includes(state.layer)) state.layer = kinds[0] ?? null;
  byId("layer").value = state.layer ?? "";
  byId("layer-panel").hidden = !kinds.length;
  const clusters = state.main.legends.labels?.rows ?? [];
  const before = byId("layer-band").value;
  const options = clusters.map((row) => element("option", { value: String(row.value) }, titleOf(row, clusters)));
  byId("layer-band").replaceChildren(...options);
  if (clusters.some((row) => String(row.value) === before)) byId("layer-band").value = before;
}

/** Place the two maps: the layer, or the other scene, behind the divider or beside the first map. */
function arrange() {
  const beside = Boolean(state.other) && comparison.beside;
  byId("stage").classList.toggle("compared", Boolean(state.other));
  byId("stage").classList.toggle("beside", beside);
  byId("above").inert = !beside;
  byId("swipe").setAttribute("aria-label", `Divider: the ${state.other ? "other scene" : "layer"} is shown to its right`);
  if (state.main) showDivider();
}

function showDivider() {
  const { main, other } = state;
  const divided = Boolean(other) || Boolean(main.facts.layers.scene && main.facts.layers[state.layer]);
  setSwipe(divided ? (other && comparison.beside ? "beside" : "divider") : "none");
  placeCross();
}

/** Draw scenes, layer and legend as they are chosen now. */
function draw() {
  const { main, other } = state;
  maps.show("below", "scene", sceneOf(main, bands.query));
  maps.show("below", "layer", other ? layerOf(main) : null);
  maps.show("above", "scene", other ? sceneOf(other, bands.queryOf(other.facts)) : null);
  maps.show("above", "layer", layerOf(other ?? main));
  maps.setOpacity(Number(byId("opacity").value) / 100);
  showBaseMap();
  showDivider();
  maps.name("below", other ? `Map: ${main.long}` : "Map");
  maps.name("above", other ? `Map: ${other.long}` : "Map");
  byId("left").textContent = other ? sideName(main) : "Image";
  byId("right").textContent = other ? sideName(other) : (LAYERS[state.layer] ?? "");
  byId("band-row").hidden = state.layer !== "probabilities";
  showRamp();
  drawLegend();
}

function sideName(scene) {
  const lacks = state.layer && !(state.layer in scene.facts.layers) ? `without ${LAYERS[state.layer].toLowerCase()}` : "";
  return [scene.short, lacks].filter(Boolean).join(" · ");
}

/** Return the tiles of a scene itself, without what was masked when it was labelled, if the user wants so. */
function sceneOf(scene, query) {
  const masked = scene.facts.layers.scene?.masked && byId("labelled").checked;
  return scene.tiles("scene", masked ? `${query}&labelled=1` : query, view.side);
}

function layerOf(scene) {
  return scene.tiles(state.layer, layerQuery(scene), view.side);
}

function showRamp() {
  byId("ramp").hidden = !["confidence", "probabilities"].includes(state.layer);
  const count = state.main.legends.labels?.rows.length;
  byId("ramp-low").textContent = state.layer === "confidence" && count ? percent(1 / count) : "0 %";
}

function legendKind() {
  return state.layer === "classes" ? "classes" : "labels";
}

function drawLegend() {
  const kind = legendKind();
  const legend = state.main.legends[kind];
  byId("legend-panel").hidden = !legend;
  if (!legend) return;
  const choose = (value) => {
    const pressed = document.activeElement?.closest("tr")?.dataset.value;
    if (state.layer !== kind) chooseLayer("labels");
    state.only = value;
    draw();
    if (pressed) document.querySelector(`#legend tr[data-value="${pressed}"] button`)?.focus();
  };
  const { main, other } = state;
  const beside = other && { legend: other.legends[kind], titles: [main.short, other.short] };
  showLegend(legend, kind, state.only, kind in main.facts.layers ? choose : null, beside);
  document.dispatchEvent(new CustomEvent("legend-shown", { detail: { kind, legend } }));
}

function layerQuery(scene) {
  if (state.layer === "probabilities") return `band=${byId("layer-band").value || 1}`;
  if (!["labels", "classes"].includes(state.layer)) return "";
  const version = scene.legends[state.layer]?.version ?? "";
  const only = highlighted(scene);
  return only === null ? `legend=${version}` : `legend=${version}&only=${only}`;
}

/** Return the highlighted value in the rasters of a scene. Classes of other rasters may be numbered otherwise. */
function highlighted(scene) {
  if (state.only === null || state.layer === "labels" || scene === state.main) return state.only;
  const name = state.main.legends.classes?.rows.find((row) => row.value === state.only)?.name;
  return scene.legends.classes?.rows.find((row) => row.name === name)?.value ?? 0;
}

function chooseLayer(kind) {
  if (kind !== legendKind()) state.only = null;
  state.layer = kind;
  byId("layer").value = kind;
}

/** Read the pixel at a place of the maps, and show it in its panel. */
async function readPixel(at) {
  const scenes = shown();
  const current = () => state.at === at && shown().every((scene, side) => scene.index === scenes[side]?.index);
  state.at = at;
  placeCross();
  try {
    const place = `lon=${at.lng}&lat=${at.lat}`;
    const found = await Promise.all(scenes.map((scene) => ask(`api/scenes/${scene.index}/pixel?${place}`)));
    if (current()) showPixels(scenes, found);
  } catch (error) {
    if (current()) tell(error.message);
  }
}

function placeCross() {
  for (const [id, map] of [["cross", maps.below], ["cross-above", maps.above]]) {
    const cross = byId(id);
    const centred = map.getCanvas().matches(":focus-visible");
    const at = state.at ?? (centred ? map.getCenter() : null);
    cross.hidden = !at || (map === maps.above && byId("above").inert);
    if (cross.hidden) continue;
    const { x, y } = map.project(at);
    const { offsetLeft, offsetTop } = map.getContainer();
    cross.style.left = `${offsetLeft + x}px`;
    cross.style.top = `${offsetTop + y}px`;
  }
}

/** Return whether rasters or names have changed, or an overview is made no more. Its progress is no change. */
function isChanged({ overview: before, ...rasters }, { overview: now, ...current }) {
  return Boolean(before && !now) || JSON.stringify(rasters) !== JSON.stringify(current);
}

/** Ask whether rasters or names have changed, and show what is new. */
async function poll() {
  if (document.hidden || !state.main) return;
  try {
    const asked = state.versions;
    const all = await ask("api/versions");
    if (state.versions !== asked) return;
    state.versions = shown().map((scene) => all[scene.index]);
    if (asked.some((before, at) => isChanged(before, state.versions[at]))) await open();
    else showOverviews();
  } catch (error) {
    tell(error.message);
  }
}

function listScenes() {
  const items = view.scenes.map(({ title, moment }, index) => {
    const input = element("input", { type: "radio", name: "scene", value: String(index) });
    input.checked = index === 0;
    input.addEventListener("change", () => {
      comparison.choose(index, state.index);
      state.index = index;
      open().catch((error) => tell(error.message));
    });
    const date = moment ? element("span", { class: "muted" }, moment.slice(0, 10)) : "";
    return element("label", {}, input, element("span", { dir: "auto" }, title), date);
  });
  byId("scene-list").replaceChildren(...items);
}

function listen() {
  byId("layer").addEventListener("change", (event) => {
    chooseLayer(event.target.value);
    draw();
  });
  byId("layer-band").addEventListener("change", draw);
  byId("labelled").addEventListener("change", draw);
  byId("opacity").addEventListener("input", (event) => {
    byId("opacity-value").textContent = `${event.target.value} %`;
    maps.setOpacity(Number(event.target.value) / 100);
  });
  byId("closer").addEventListener("click", () => maps.below.zoomIn());
  byId("farther").addEventListener("click", () => maps.below.zoomOut());
  byId("whole").addEventListener("click", () => maps.fit(state.main.any.bounds));
  byId("base-map")?.addEventListener("change", showBaseMap);
  for (const map of [maps.below, maps.above]) listenTo(map);
  document.addEventListener("names-changed", () => open().catch((error) => tell(error.message)));
  document.addEventListener("visibilitychange", poll);
  setInterval(poll, POLL);
}

function listenTo(map) {
  map.on("click", (event) => readPixel(event.lngLat));
  for (const name of ["move", "resize"]) map.on(name, placeCross);
  map.getCanvas().addEventListener("keydown", (event) => {
    if (event.key === "Enter") readPixel(map.getCenter());
  });
  for (const name of ["focus", "blur"]) map.getCanvas().addEventListener(name, placeCross);
}

function showBaseMap() {
  const wanted = Boolean(byId("base-map")?.checked && state.main.any?.onEarth);
  maps.showBaseMap("below", wanted);
  maps.showBaseMap("above", wanted && Boolean(state.other));
  byId("attribution")?.remove();
  if (!wanted) return;
  const link = element("a", { href: "https://www.openstreetmap.org/copyright", rel: "noreferrer" }, "OpenStreetMap");
  const note = element("span", { class: "maplibregl-ctrl maplibregl-ctrl-attrib" }, "© ", link, " contributors");
  note.id = "attribution";
  byId("corner").append(note);
}

byId("corner").append(scale);
listScenes();
listen();
open(true).catch((error) => tell(error.message));
