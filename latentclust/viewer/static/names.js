// The names and colours of the clusters as the server has them, shared by all parts of a page.
// Events of the document: `names` when they are known or anything about them changed, with the state as detail, and
// `names-changed` after the names that were shown first.

import { ask, send } from "./server.js";

let current = null;

/** Return the last known state. Null before the first answer. */
export function names() {
  return current;
}

/** Return the name of a cluster. */
export function nameOf(cluster) {
  return current?.clusters[cluster - 1]?.label ?? `cluster ${cluster}`;
}

/** Return the colour of a cluster as #rrggbb. */
export function colourOf(cluster) {
  return current?.clusters[cluster - 1]?.colour ?? "#808080";
}

/** Take a state over, and tell the page if it is another one. */
export function adopt(state) {
  const before = current;
  current = state;
  if (JSON.stringify(state) !== JSON.stringify(before)) document.dispatchEvent(new CustomEvent("names", { detail: state }));
  if (before && before.version !== state.version) document.dispatchEvent(new CustomEvent("names-changed"));
}

/** Ask the server for the present state. */
export async function refresh() {
  adopt(await ask("api/names"));
}

/** Save, undo or redo. An Error with status 409 carries the present names in its answer. */
export async function change(what, body) {
  adopt(await send(`api/names/${what}`, { version: current.version, ...body }));
}
