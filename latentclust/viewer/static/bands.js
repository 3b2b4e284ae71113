// The bands that the image shows as red, green and blue, or one as grey, and the values between which they are shown.

import { byId, element } from "./element.js";

const CHANNELS = { 3: ["Red", "Green", "Blue"], 1: ["Grey"] };

function haveSameNames(some, others) {
  return JSON.stringify(some.map((band) => band.name)) === JSON.stringify(others.map((band) => band.name));
}

function queryOf(chosen) {
  const ranges = chosen.map((each) => `${each.low}:${each.high}`).join(",");
  return `bands=${chosen.map((each) => each.number).join(",")}&ranges=${ranges}`;
}

export class BandChoice {
  #bands = [];
  #chosen = [];

  /** Call `changed` after the user changes a band or a range. */
  constructor(changed) {
    this.changed = changed;
    byId("colours").addEventListener("change", (event) => this.#recolour(Number(event.target.value)));
    byId("restretch").addEventListener("click", () => this.#reset());
  }

  /** Offer the bands of a scene. Bands of the same names as those before stay chosen, with their ranges. */
  offer(bands, shown) {
    const same = haveSameNames(bands, this.#bands);
    const before = this.#chosen;
    this.#bands = bands;
    this.#chosen = (same ? before.map((each) => each.number) : shown).map((number) => this.#default(number));
    if (same) before.forEach((each, at) => each.changed && (this.#chosen[at] = each));
    byId("colours-row").hidden = bands.length < 3;
    this.#draw();
  }

  /** The query of tiles: bands and their ranges. */
  get query() {
    return queryOf(this.#chosen);
  }

  /**
   * The query of the tiles of another scene, with its bands and those that are shown first: the same bands if it has
   * the same names, each with its own range unless the user changed it.
   */
  queryOf({ bands = [], shown = [] }) {
    const own = (number) => bands.find((band) => band.number === number);
    if (!haveSameNames(bands, this.#bands)) return queryOf(shown.map(own));
    return queryOf(this.#chosen.map((each) => (each.changed ? each : own(each.number))));
  }

  #default(number) {
    const { low, high } = this.#bands.find((band) => band.number === number);
    return { number, low, high, changed: false };
  }

  #recolour(count) {
    const first = this.#bands.map((band) => band.number);
    const numbers = count === 1 ? [this.#chosen[0].number] : first.slice(0, 3);
    this.#chosen = numbers.map((number) => this.#default(number));
    this.#draw();
    this.changed();
  }

  #reset() {
    this.#chosen = this.#chosen.map((each) => this.#default(each.number));
    this.#draw();
    this.changed();
  }

  #draw() {
    byId("colours").value = String(this.#chosen.length);
    const names = CHANNELS[this.#chosen.length];
    byId("bands").replaceChildren(...this.#chosen.map((each, at) => this.#row(each, at, names[at])));
  }

  #row(each, at, channel) {
    const id = `band-${at}`;
    const options = this.#bands.map((band) => element("option", { value: String(band.number) }, band.name));
    const select = element("select", { id }, ...options);
    select.value = String(each.number);
    select.addEventListener("change", () => {
      this.#chosen[at] = this.#default(Number(select.value));
      this.#draw();
      byId(id).focus();
      this.changed();
    });
    const ends = ["low", "high"].map((end) => this.#end(each, end, channel));
    const range = element("div", { class: "range" }, ends[0], "to", ends[1]);
    return element("div", { class: "band" }, element("label", { for: id }, channel), select, range);
  }

  #end(each, end, channel) {
    const label = `${channel}: ${end === "low" ? "minimum" : "maximum"}`;
    const input = element("input", { type: "number", step: "any", value: String(each[end]), "aria-label": label });
    input.addEventListener("change", () => {
      const value = Number(input.value);
      const pair = { ...each, [end]: value };
      const valid = input.value !== "" && pair.low < pair.high;
      input.setCustomValidity(valid ? "" : "The minimum must be below the maximum.");
      if (!input.reportValidity()) return;
      each[end] = value;
      each.changed = true;
      this.changed();
    });
    return input;
  }
}
