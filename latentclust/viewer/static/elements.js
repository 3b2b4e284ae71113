// Elements with text, never with markup: names and paths of data may contain anything.

/** Return an element with properties and children, which are elements or text. */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Return text of any direction, kept apart from the text around it. */
export function foreign(text) {
  return element("bdi", { textContent: text });
}

/** Return the colour of a cluster or class as a small square. */
export function swatch(colour) {
  const made = element("span", { className: "swatch" });
  made.style.background = colour;
  made.setAttribute("aria-hidden", "true");
  return made;
}

/** Return a number with its thousands apart. */
export function grouped(number) {
  return number.toLocaleString("en");
}

/** Return a probability as a percentage. */
export function percent(share) {
  return share > 0.9995 && share < 1 ? ">99.9%" : `${(100 * share).toFixed(1)}%`;
}
