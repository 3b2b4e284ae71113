// The divider: a range input over the map, right of which the layer is shown.

import { byId } from "./element.js";

/**
 * Let the divider cut an element, and follow changes of size. Return a function that takes what is shown: "divider",
 * "beside" for the names of two sides without a divider, or "none".
 */
export function makeSwipe(cut) {
  const input = byId("swipe");
  const line = byId("divider");

  function update() {
    const width = input.clientWidth;
    const thumb = 2.75 * parseFloat(getComputedStyle(document.documentElement).fontSize);
    const share = Number(input.value) / 100;
    // The thumb stays inside the input, so that its centre does not reach the edges; at 0 and 100 the cut does.
    const centre = thumb / 2 + share * (width - thumb);
    const at = share === 0 ? 0 : share === 1 ? width : centre;
    line.style.left = `${centre}px`;
    line.hidden = input.hidden || share === 0 || share === 1;
    cut.style.clipPath = input.hidden ? "none" : `inset(0 0 0 ${at}px)`;
    const [left, right] = [byId("left"), byId("right")];
    left.style.visibility = share === 0 && !input.hidden ? "hidden" : "visible";
    right.style.visibility = share === 1 && !input.hidden ? "hidden" : "visible";
  }

  input.addEventListener("input", update);
  new ResizeObserver(update).observe(input.parentElement);
  return (shown) => {
    input.hidden = shown !== "divider";
    byId("left").hidden = byId("right").hidden = shown === "none";
    update();
  };
}
