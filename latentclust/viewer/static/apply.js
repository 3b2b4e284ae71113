// The button that writes names and colours into the label rasters, with its progress.
// Event `names-changed` of the document: the rasters have other names and colours.

import { ask, send } from "./server.js";

const POLL = 400; // milliseconds
const part = (id) => document.getElementById(id);
let running = false;
let waiting = 0;

function status(text) {
  part("apply-status").textContent = text;
}

function show(progress) {
  running = progress.state === "running";
  part("apply-start").disabled = running || waiting > 0;
  part("apply-stop").hidden = !running;
  const bar = part("apply-progress");
  bar.hidden = !running;
  if (progress.total) Object.assign(bar, { max: progress.total, value: progress.done });
  else bar.removeAttribute("value");
  status(words(progress));
}

function words({ state, done, total, text, result }) {
  if (state === "running") return total ? `${done} of ${total} scenes done. Writing ${text}` : "Reading the model.";
  if (state === "done") {
    return `Updated ${result.rasters} raster${result.rasters === 1 ? "" : "s"} with ${result.classes} classes.`;
  }
  if (state === "stopped") return `Stopped; scenes that are not updated keep their old names. ${text}`;
  return state === "failed" ? text : "";
}

async function follow(before) {
  let progress = before;
  while (progress.state === "running") {
    show(progress);
    await new Promise((resolve) => setTimeout(resolve, POLL));
    progress = await ask("api/apply");
  }
  show(progress);
  if (before.state === "running" && progress.state === "done") part("names-status").textContent = "";
  if (before.state === "running") document.dispatchEvent(new CustomEvent("names-changed"));
}

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    show({ state: "failed", text: error.message });
  }
}

/** Make the buttons work, and follow an update that runs already. */
export function watchApply() {
  part("apply-start").addEventListener("click", () => attempt(async () => follow(await send("api/apply/start", {}))));
  part("apply-stop").addEventListener("click", () => attempt(() => send("api/apply/stop", {})));
  document.addEventListener("drafts", (event) => {
    waiting = event.detail;
    part("apply-start").disabled = running || waiting > 0;
    part("apply-start").title = waiting ? "Save or discard the changes first" : "";
  });
  attempt(async () => follow(await ask("api/apply")));
}
