// Grid of images as a list box: arrow keys move, space selects, shift extends, Enter enlarges.

import { element, foreign, swatch } from "./element.js";
import { colourOf, nameOf } from "./names.js";
import { percent } from "./numbers.js";
import { address } from "./server.js";
import { isSelected, select } from "./selection.js";

/** Make a grid of an element. `enlarge(place)` is called to enlarge the image at a place. */
export function imageGrid(host, enlarge) {
  let items = [];
  let active = 0;
  let anchor = 0;
  let mixed = false;

  function cells() {
    return [...host.children];
  }

  function columns() {
    const all = cells();
    const second = all.findIndex((cell) => cell.offsetTop > all[0].offsetTop);
    return second < 0 ? all.length : second;
  }

  function move(to, focus = true) {
    const all = cells();
    if (!all.length) return;
    all[active]?.setAttribute("tabindex", "-1");
    active = Math.max(0, Math.min(all.length - 1, to));
    all[active].setAttribute("tabindex", "0");
    if (focus) all[active].focus();
  }

  function selectRange(to) {
    const [first, last] = anchor < to ? [anchor, to] : [to, anchor];
    select(items.slice(first, last + 1).map((item) => item.index));
  }

  function toggle(place) {
    anchor = place;
    select([items[place].index], !isSelected(items[place].index));
  }

  function steps(key) {
    const across = getComputedStyle(host).direction === "rtl" ? -1 : 1;
    const down = columns();
    const known = { ArrowRight: across, ArrowLeft: -across, ArrowDown: down, ArrowUp: -down };
    return { ...known, Home: -active, End: items.length, PageDown: 4 * down, PageUp: -4 * down }[key];
  }

  function onKey(event) {
    if (!items.length || event.altKey) return;
    const step = steps(event.key);
    if (step !== undefined) {
      const to = active + step;
      if (!event.key.startsWith("Arrow") || (to >= 0 && to < items.length)) move(to);
      if (event.shiftKey) selectRange(active);
      else if (!event.ctrlKey) anchor = active;
    } else if (event.key === " ") event.shiftKey ? selectRange(active) : toggle(active);
    else if (event.key === "Enter") enlarge(active);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) select(items.map((item) => item.index));
    else return;
    event.preventDefault();
  }

  function onClick(event) {
    const place = cells().indexOf(event.target.closest(".image-cell"));
    if (place < 0) return;
    move(place);
    if (event.shiftKey) selectRange(place);
    else if (event.ctrlKey || event.metaKey || event.target.closest(".tick")) toggle(place);
    else enlarge(place);
  }

  function mark() {
    cells().forEach((cell, place) => cell.setAttribute("aria-selected", isSelected(items[place].index)));
  }

  function cell(item, place) {
    const image = element("img", { alt: "", loading: "lazy", decoding: "async" });
    image.src = address(`images/${item.index}/small.png`);
    image.addEventListener("load", () => image.classList.toggle("pixelated", image.naturalWidth < 64));
    const known = item.path.split("/").at(-1) || `${item.index}`;
    image.addEventListener("error", () => image.replaceWith(element("span", { class: "missing" }, foreign(known))));
    const tick = element("span", { class: "tick" }, "✓");
    tick.setAttribute("aria-hidden", "true");
    const caption = element("span", { class: "caption" }, element("span", {}, percent(item.confidence)));
    if (mixed) caption.append(swatch(colourOf(item.cluster)));
    const made = element("div", { class: "image-cell", tabindex: place === active ? 0 : -1 }, image, tick, caption);
    made.setAttribute("role", "option");
    const words = [`image ${item.index}`, item.path, nameOf(item.cluster), percent(item.confidence)];
    made.setAttribute("aria-label", words.filter(Boolean).join(", "));
    made.title = [item.path, mixed && nameOf(item.cluster)].filter(Boolean).join("\n");
    return made;
  }

  // Screen readers and scripts move the focus without a key of the grid.
  function onFocus(event) {
    const place = cells().indexOf(event.target);
    if (place >= 0 && place !== active) move(place, false);
  }

  host.addEventListener("focusin", onFocus);
  host.addEventListener("keydown", onKey);
  host.addEventListener("click", onClick);
  document.addEventListener("selection", mark);

  return {
    /** Show images instead of those before; `ofMany` marks them by the colour of their clusters. */
    show(shown, ofMany = false) {
      items = shown;
      mixed = ofMany;
      active = anchor = 0;
      host.replaceChildren(...items.map(cell));
      mark();
    },
    /** Make the image at a place the one that the keyboard is on. */
    move,
    /** Return the images that are shown. */
    items: () => items,
  };
}
