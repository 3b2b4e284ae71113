// The images that the user has selected, over all pages of the gallery.
// Event `selection` of the document: it changed.

const chosen = new Set();

/** Whether an image is selected. */
export function isSelected(index) {
  return chosen.has(index);
}

/** Return the selected images in the order in which they were selected. */
export function selection() {
  return [...chosen];
}

/** Select images, or take them out. */
export function select(indices, wanted = true) {
  for (const index of indices) wanted ? chosen.add(index) : chosen.delete(index);
  document.dispatchEvent(new CustomEvent("selection"));
}

/** Select nothing. */
export function clear() {
  select(selection(), false);
}
