// Two maps of the same view: the scene below, and above it a layer that the divider cuts.

import * as maplibre from "./maplibre-gl/maplibre-gl.mjs";
import { address } from "./server.js";

maplibre.setWorkerUrl(address("static/maplibre-gl/maplibre-gl-worker.mjs"));

const OPTIONS = {
  attributionControl: false,
  dragRotate: false,
  pitchWithRotate: false,
  touchPitch: false,
  maxPitch: 0,
  maxZoom: 24,
  fadeDuration: 0,
  renderWorldCopies: false,
};
const BASE_MAP = "https://tile.openstreetmap.org/{z}/{x}/{y}.png";

function emptyStyle() {
  return { version: 8, sources: {}, layers: [] };
}

function makeMap(container, interactive) {
  const map = new maplibre.Map({ container, style: emptyStyle(), interactive, ...OPTIONS });
  map.touchZoomRotate?.disableRotation();
  map.keyboard?.disableRotation();
  return map;
}

/** Resolve once a map takes sources. */
function loaded(map) {
  return map.isStyleLoaded() ? Promise.resolve() : new Promise((resolve) => map.once("load", resolve));
}

export class TwinMaps {
  #shown = new Map();

  /** Make both maps, and call `failed` with the words of the server when a tile cannot be drawn. */
  constructor(below, above, failed) {
    this.below = makeMap(below, true);
    this.above = makeMap(above, false);
    this.below.on("move", () => this.#follow());
    for (const map of [this.below, this.above]) map.on("error", (event) => failed(event.error));
    const ready = [loaded(this.below), loaded(this.above)];
    this.ready = Promise.all(ready);
  }

  #follow() {
    this.above.jumpTo({ center: this.below.getCenter(), zoom: this.below.getZoom() });
  }

  /**
   * Show a raster: `{ tiles, bounds, minzoom, maxzoom, side }`, or nothing. `name` is "scene", in the map below, or
   * "layer", in the one above. What is shown already stays.
   */
  show(name, raster) {
    const map = name === "scene" ? this.below : this.above;
    const wanted = raster ? JSON.stringify(raster) : "";
    if (this.#shown.get(name) === wanted) return;
    this.#shown.set(name, wanted);
    const opacity = map.getLayer(name) ? map.getPaintProperty(name, "raster-opacity") : 1;
    if (map.getLayer(name)) map.removeLayer(name);
    if (map.getSource(name)) map.removeSource(name);
    if (!raster) return;
    const { tiles, bounds, minzoom, maxzoom, side } = raster;
    map.addSource(name, { type: "raster", tiles: [tiles], bounds, minzoom, maxzoom, tileSize: side });
    const resampling = name === "scene" ? "linear" : "nearest";
    const paint = { "raster-opacity": opacity ?? 1, "raster-resampling": resampling, "raster-fade-duration": 0 };
    map.addLayer({ id: name, type: "raster", source: name, paint });
  }

  /** Set the opacity of the layer, from 0 to 1. */
  setOpacity(opacity) {
    if (this.above.getLayer("layer")) this.above.setPaintProperty("layer", "raster-opacity", opacity);
  }

  /** Show the base map below everything, or remove it. */
  showBaseMap(shown) {
    if (this.below.getLayer("base")) this.below.removeLayer("base");
    if (this.below.getSource("base")) this.below.removeSource("base");
    if (!shown) return;
    this.below.addSource("base", { type: "raster", tiles: [BASE_MAP], tileSize: 256, maxzoom: 19 });
    const first = this.below.getLayer("scene") ? "scene" : undefined;
    this.below.addLayer({ id: "base", type: "raster", source: "base" }, first);
  }

  /** Return an element that shows the scale. */
  scale() {
    return new maplibre.ScaleControl({ maxWidth: 120, unit: "metric" }).onAdd(this.below);
  }

  /** Show bounds `[west, south, east, north]` as a whole. */
  fit(bounds) {
    this.below.fitBounds(bounds, { padding: 24, animate: false, maxZoom: 22 });
  }

  /** Return whether a part of the bounds is in view. */
  sees([west, south, east, north]) {
    const view = this.below.getBounds();
    return west < view.getEast() && east > view.getWest() && south < view.getNorth() && north > view.getSouth();
  }
}
