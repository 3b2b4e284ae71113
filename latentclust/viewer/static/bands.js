// The bands that the image shows as red, green and blue, or one as grey, and the values between which they are shown.

import { byId, element } from "./element.js";

const CHANNELS = { 3: ["Red", "Green", "Blue"], 1: ["Grey"] };

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
    const same = JSON.stringify(bands.map((band) => band.name)) === JSON.stringify(this.#bands.map((band) => band.name));
    const before = this.#chosen;
    this.#bands = bands;
    this.#chosen = (same ? before.map((each) => each.number) : shown).map((number) => this.#default(number));
    if (same) before.forEach((each, at) => each.changed && (this.#chosen[at] = each));
    byId("colours-row").hidden = bands.length < 3;
    this.#draw();
  }

  /** The query of tiles: bands and their ranges. */
  get query() {
    const ranges = this.#chosen.map((each) => `${each.low}:${each.high}`).join(",");
    return `bands=${this.#chosen.map((each) => each.number).join(",")}&ranges=${ranges}`;
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
