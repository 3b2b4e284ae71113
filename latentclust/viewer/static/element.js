// Elements of a page, made without HTML text, so that a name is never markup.

/** Return the element with an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Make an element with attributes and children: elements, or text. An attribute of null is left out. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Make the little square that shows a colour, such as #aabbcc. */
export function swatch(colour) {
  const made = element("span", { class: "swatch", "aria-hidden": "true" });
  made.style.background = colour;
  return made;
}

/** Return text of any direction, kept apart from the text around it. */
export function foreign(text) {
  return element("bdi", {}, text);
}
