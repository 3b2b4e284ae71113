// The read-out of all images, which second clusters and similar images need. It is made once, when it is first needed.

import { ask, send } from "./server.js";

const POLL = 400; // milliseconds
let ready = null;

async function follow(tell) {
  let progress = await send("api/gallery/reading/start", {});
  while (progress.state === "running") {
    tell(progress);
    await new Promise((resolve) => setTimeout(resolve, POLL));
    progress = await ask("api/gallery/reading");
  }
  if (progress.state === "failed" || progress.state === "stopped") throw new Error(progress.text);
}

/** Wait for the read-out. `tell` is called with its progress. */
export async function readAll(tell) {
  ready ??= follow(tell);
  try {
    await ready;
  } catch (error) {
    ready = null;
    throw error;
  }
}
