// Editor of names and colours in the section of legend_editor.html: drafts in the page until they are saved.

import { adopt, change, names, refresh } from "./names.js";
import { watchApply } from "./apply.js";

const part = (id) => document.getElementById(id);
const drafts = new Map(); // cluster -> { name?, colour? }; an empty colour is the default one
const rows = new Map(); // cluster -> { item, colour, name, reset }
let busy = false;

function row(cluster) {
  return names().clusters[cluster - 1];
}

function draftName(cluster) {
  return drafts.get(cluster)?.name ?? row(cluster).name;
}

/** Return the class that a cluster has with the drafts: its name, or its own without one. */
function draftClass(cluster) {
  return draftName(cluster).trim() || `cluster ${cluster}`;
}

/** Return the clusters that have the class of a cluster with the drafts. */
function siblings(cluster) {
  return names().clusters.map((each) => each.cluster).filter((each) => draftClass(each) === draftClass(cluster));
}

/** Return the clusters of a class without the drafts. */
function membersBefore(label) {
  return names().clusters.filter((each) => each.label === label).map((each) => each.cluster);
}

/** Return whether a class is renamed with all of its clusters: it then keeps its colour, as on the server. */
function isRenamedAsWhole(clusters) {
  const { label } = row(clusters[0]);
  const left = names().clusters.some((each) => draftClass(each.cluster) === label);
  return !left && membersBefore(label).every((each) => clusters.includes(each));
}

/** Return the colour that was drafted for a class, empty for the default one. Undefined without a draft. */
function drafted(clusters) {
  return clusters.map((each) => drafts.get(each)?.colour).find((colour) => colour !== undefined);
}

/** Return the colour that a cluster has with the drafts, by the rule of the server: colours belong to classes. */
function draftColour(cluster) {
  const others = siblings(cluster);
  const given = drafted(others);
  if (given !== undefined) return given || row(others[0]).standard;
  if (!others.some((each) => drafts.get(each)?.name !== undefined)) return row(cluster).colour;
  const before = membersBefore(draftClass(cluster));
  if (before.length && row(before[0]).custom) return row(before[0]).colour;
  const settled = others.find((each) => before.includes(each));
  if (settled !== undefined) return row(settled).colour;
  return !before.length && isRenamedAsWhole(others) ? row(others[0]).colour : row(others[0]).standard;
}

/** Return the drafts for the server: a class that clusters join gets the colour that is shown, which they would not. */
function edits() {
  const found = new Map(drafts);
  for (const [cluster, { name }] of drafts) {
    if (name !== undefined && siblings(cluster).length > 1) {
      found.set(cluster, { ...drafts.get(cluster), colour: drafted(siblings(cluster)) ?? draftColour(cluster) });
    }
  }
  return Object.fromEntries(found);
}

/** Keep what differs from the server's state as the draft of a cluster. */
function draft(cluster, changes) {
  const merged = { ...drafts.get(cluster), ...changes };
  if (merged.name !== undefined && merged.name.trim() === row(cluster).name) delete merged.name;
  const kept = merged.colour === row(cluster).colour || (merged.colour === "" && !row(cluster).custom);
  if (kept && merged.name === undefined) delete merged.colour;
  if (Object.keys(merged).length) drafts.set(cluster, merged);
  else drafts.delete(cluster);
}

function alarm(text) {
  part("names-alert").hidden = !text;
  part("names-alert").textContent = text;
}

function status(text) {
  part("names-status").textContent = text;
}

function show() {
  const state = names();
  for (const { cluster } of state.clusters) {
    const { item, colour, name, reset } = rows.get(cluster) ?? addRow(cluster);
    item.classList.toggle("changed", drafts.has(cluster));
    colour.value = draftColour(cluster);
    reset.disabled = colour.value === row(siblings(cluster)[0]).standard;
    if (name.value.trim() !== draftName(cluster).trim() || document.activeElement !== name) name.value = draftName(cluster);
  }
  const waiting = drafts.size > 0;
  part("names-save").disabled = part("names-discard").disabled = busy || !waiting;
  part("names-undo").disabled = busy || waiting || !state.undo;
  part("names-redo").disabled = busy || waiting || !state.redo;
  document.dispatchEvent(new CustomEvent("drafts", { detail: drafts.size }));
}

function addRow(cluster) {
  const item = document.createElement("li");
  item.className = "names-row";
  const number = document.createElement("span");
  number.className = "names-number";
  number.textContent = cluster;
  const colour = input("color", `Colour of cluster ${cluster}`);
  colour.addEventListener("input", () => {
    for (const each of siblings(cluster)) draft(each, { colour: colour.value });
    show();
  });
  const name = input("text", `Name of cluster ${cluster}`);
  Object.assign(name, { placeholder: `cluster ${cluster}`, maxLength: 10000, dir: "auto", autocomplete: "off" });
  name.addEventListener("input", () => {
    draft(cluster, { name: name.value });
    show();
  });
  const reset = document.createElement("button");
  Object.assign(reset, { type: "button", textContent: "↺", title: "Default colour", className: "names-reset" });
  reset.setAttribute("aria-label", `Default colour for cluster ${cluster}`);
  reset.addEventListener("click", () => {
    for (const each of siblings(cluster)) draft(each, { colour: "" });
    show();
    colour.focus(); // the button is disabled now
  });
  item.append(number, colour, reset, name, mergeSelect(cluster));
  part("names-rows").append(item);
  rows.set(cluster, { item, colour, name, reset });
  return rows.get(cluster);
}

function input(type, label) {
  const made = document.createElement("input");
  made.type = type;
  made.setAttribute("aria-label", label);
  return made;
}

/** Return the choice of another class. Its options are made when it is used, because each row would list all classes. */
function mergeSelect(cluster) {
  const select = document.createElement("select");
  select.setAttribute("aria-label", `Merge cluster ${cluster} into`);
  const fill = () => {
    const own = draftClass(cluster);
    const options = [new Option("Merge…", "")];
    const listed = new Set([own]);
    for (const { cluster: other } of names().clusters) {
      if (listed.has(draftClass(other))) continue;
      listed.add(draftClass(other));
      options.push(new Option(draftClass(other), other));
    }
    select.replaceChildren(...options);
  };
  fill();
  select.addEventListener("pointerdown", fill);
  select.addEventListener("focus", fill);
  select.addEventListener("change", () => {
    if (select.value) merge(cluster, Number(select.value));
    select.value = "";
  });
  return select;
}

/** Give a cluster the name of another one. Two clusters without a name get a common one, to be overwritten. */
function merge(cluster, into) {
  const named = draftName(into).trim();
  const name = named || `clusters ${Math.min(cluster, into)} + ${Math.max(cluster, into)}`;
  const { colour: _, ...kept } = drafts.get(cluster) ?? {};
  drafts.set(cluster, kept);
  draft(cluster, { name });
  if (!named) draft(into, { name });
  show();
  rows.get(cluster).name.focus();
  status(`Cluster ${cluster} will be merged into ${name}. Save to keep it.`);
}

/** Run a change on the server, and tell its end or what another writer changed meanwhile. */
async function run(what, body, done) {
  if (busy) return; // a second press would be taken for another writer
  busy = true;
  alarm("");
  show();
  try {
    await change(what, body);
    if (what === "save") settle(body.clusters);
    status(done);
  } catch (error) {
    status("");
    if (error.status === 409) meetOthers(error.answer.names, error.answer.changes);
    else alarm(error.message);
  } finally {
    busy = false;
    show();
  }
}

/** Drop the drafts that were saved; what was typed meanwhile stays. */
function settle(saved) {
  for (const [cluster, kept] of [...drafts]) {
    const { name, colour } = saved[cluster] ?? {};
    const left = { ...kept };
    if (left.name === name) delete left.name;
    if (left.colour === colour) delete left.colour;
    drafts.set(cluster, {});
    draft(cluster, left);
  }
}

/** Show the names that another writer saved, and keep the drafts that still differ from them. */
function meetOthers(state, changes) {
  adopt(state);
  for (const [cluster, kept] of [...drafts]) draft(cluster, kept);
  show();
  const what = changes.length ? `: ${changes.join("; ")}` : "";
  const own = drafts.size ? " Your own changes are kept in the list. Check them and save again." : "";
  alarm(`The names were changed elsewhere${what}.${own}`);
}

/** Look whether another program has changed the names. */
async function look() {
  const before = names();
  try {
    await refresh();
  } catch (error) {
    return alarm(error.message);
  }
  if (before && before.version !== names().version) meetOthers(names(), []);
}

part("names-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!drafts.size) return;
  const raster = part("apply") ? " The rasters keep the old names until you update them." : "";
  run("save", { clusters: edits() }, `Saved in the model file.${raster}`);
});
part("names-discard").addEventListener("click", () => {
  drafts.clear();
  alarm("");
  show();
  status("Changes discarded.");
});
part("names-undo").addEventListener("click", () => run("undo", {}, "The last change is undone."));
part("names-redo").addEventListener("click", () => run("redo", {}, "The change is done again."));
window.addEventListener("focus", look);
window.addEventListener("beforeunload", (event) => drafts.size && event.preventDefault());
document.addEventListener("names", show);
if (part("apply")) watchApply();
look();
