// A scene that the map shows: what the server knows of its rasters, and its legends.

import { address, ask } from "./server.js";

export class ShownScene {
  constructor(index, { title, moment }, facts, legends) {
    Object.assign(this, { index, title, facts, legends });
    this.date = moment.slice(0, 10);
  }

  /** Ask for a scene of the list by its position, and, `again`, for an overview that failed before. */
  static async load(index, listed, again = false) {
    const path = `api/scenes/${index}${again ? "?again=1" : ""}`;
    const [facts, legends] = await Promise.all([ask(path), ask(`api/scenes/${index}/legends`)]);
    return new ShownScene(index, listed, facts, legends);
  }

  /** Date, or title without one. */
  get short() {
    return this.date || this.title;
  }

  /** The scene itself, or one of its rasters. */
  get any() {
    return this.facts.layers.scene ?? Object.values(this.facts.layers)[0];
  }

  /** Date and title. */
  get long() {
    return [this.date, this.title].filter(Boolean).join(" · ");
  }

  get problems() {
    return [...this.facts.problems, ...this.legends.problems];
  }

  /** Return whether a part of this scene lies where another one does. */
  meets(other) {
    if (!this.any || !other.any) return false;
    const [west, south, east, north] = this.any.bounds;
    const [left, bottom, right, top] = other.any.bounds;
    return this.any.onEarth === other.any.onEarth && west < right && left < east && south < top && bottom < north;
  }

  /** Return the tiles of a raster for a map. Null if there is no such raster. */
  tiles(kind, query, side) {
    const raster = kind ? this.facts.layers[kind] : null;
    if (!raster) return null;
    const { bounds, minzoom, maxzoom, version } = raster;
    const path = `tiles/${this.index}/${kind}/{z}/{x}/{y}?${query}&version=${version}`;
    return { tiles: address(path), bounds, minzoom, maxzoom, side };
  }
}
