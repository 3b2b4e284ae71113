// Two maps of the same view: one below, and above it one that the divider cuts, or that lies beside it.

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
  #following = false;

  /** Make both maps, and call `failed` with the words of the server when a tile cannot be drawn. */
  constructor(below, above, failed) {
    this.below = makeMap(below, true);
    this.above = makeMap(above, true);
    this.below.on("move", () => this.#follow(this.above, this.below));
    this.above.on("move", () => this.#follow(this.below, this.above));
    for (const map of [this.below, this.above]) map.on("error", (event) => failed(event.error));
    const ready = [loaded(this.below), loaded(this.above)];
    this.ready = Promise.all(ready);
  }

  #follow(map, moved) {
    if (this.#following) return;
    this.#following = true;
    map.jumpTo({ center: moved.getCenter(), zoom: moved.getZoom() });
    this.#following = false;
  }

  /**
   * Show a raster: `{ tiles, bounds, minzoom, maxzoom, side }`, or nothing, in the map "below" or "above". `name` is
   * "scene", or "layer", which covers it. What is shown already stays.
   */
  show(where, name, raster) {
    const map = this[where];
    const wanted = raster ? JSON.stringify(raster) : "";
    if ((this.#shown.get(where + name) ?? "") === wanted) return;
    this.#shown.set(where + name, wanted);
    const opacity = map.getLayer(name) ? map.getPaintProperty(name, "raster-opacity") : 1;
    if (map.getLayer(name)) map.removeLayer(name);
    if (map.getSource(name)) map.removeSource(name);
    if (!raster) return;
    const { tiles, bounds, minzoom, maxzoom, side } = raster;
    map.addSource(name, { type: "raster", tiles: [tiles], bounds, minzoom, maxzoom, tileSize: side });
    const resampling = name === "scene" ? "linear" : "nearest";
    const paint = { "raster-opacity": opacity ?? 1, "raster-resampling": resampling, "raster-fade-duration": 0 };
    const first = name === "scene" && map.getLayer("layer") ? "layer" : undefined;
    map.addLayer({ id: name, type: "raster", source: name, paint }, first);
  }

  /** Set the opacity of the layer in both maps, from 0 to 1. */
  setOpacity(opacity) {
    for (const map of [this.below, this.above]) {
      if (map.getLayer("layer")) map.setPaintProperty("layer", "raster-opacity", opacity);
    }
  }

  /** Name the map "below" or "above" for screen readers. */
  name(where, text) {
    this[where].getCanvas().setAttribute("aria-label", text);
  }

  /** Show the base map under everything in the map "below" or "above", or remove it. */
  showBaseMap(where, shown) {
    const map = this[where];
    if (Boolean(map.getLayer("base")) !== shown) this.#switchBaseMap(map, shown);
    else if (shown) map.moveLayer("base", ["scene", "layer"].find((name) => map.getLayer(name)));
  }

  #switchBaseMap(map, shown) {
    if (map.getLayer("base")) map.removeLayer("base");
    if (map.getSource("base")) map.removeSource("base");
    if (!shown) return;
    map.addSource("base", { type: "raster", tiles: [BASE_MAP], tileSize: 256, maxzoom: 19 });
    map.addLayer({ id: "base", type: "raster", source: "base" }, ["scene", "layer"].find((name) => map.getLayer(name)));
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
