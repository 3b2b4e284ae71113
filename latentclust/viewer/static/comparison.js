// The choice of a second scene, such as another date, and of its place: behind the divider, or beside the first.

import { byId, element } from "./element.js";

export class Comparison {
  /** Offer the scenes of the list. `changed` is called after another scene is chosen, `arranged` after another place. */
  constructor(scenes, changed, arranged) {
    this.scenes = scenes;
    this.#offer(0, null);
    byId("compare").addEventListener("change", () => {
      byId("arrange-row").hidden = this.other === null;
      changed();
    });
    byId("arrange").addEventListener("change", arranged);
  }

  /** Position of the chosen scene. Null without one. */
  get other() {
    const { value } = byId("compare");
    return value === "" ? null : Number(value);
  }

  /** Whether the maps lie side by side. */
  get beside() {
    return byId("arrange").value === "beside";
  }

  /** Follow the choice of another first scene. If it is the second one, both change places. */
  choose(index, before) {
    this.#offer(index, this.other === index ? before : this.other);
  }

  #offer(index, other) {
    const options = this.scenes.flatMap(({ title, moment }, position) => {
      if (position === index) return [];
      const text = [moment.slice(0, 10), title].filter(Boolean).join(" · ");
      return [element("option", { value: String(position) }, text)];
    });
    byId("compare").replaceChildren(element("option", { value: "" }, "nothing"), ...options);
    byId("compare").value = other === null ? "" : String(other);
    byId("arrange-row").hidden = other === null;
  }
}
