// The gallery: a card for each cluster, the images of one cluster by pages, and the images that are like one.
// The address names what is shown: #cluster=3&page=2&order=index or #similar=17.

import { element, foreign, swatch } from "./element.js";
import { imageDialog } from "./image_dialog.js";
import { imageGrid } from "./image_grid.js";
import { colourOf, nameOf, names, refresh } from "./names.js";
import { grouped, percent } from "./numbers.js";
import { readAll } from "./reading.js";
import { clear, select, selection } from "./selection.js";
import { address, ask, tell } from "./server.js";

const part = (id) => document.getElementById(id);
const onPage = Number(document.querySelector(".gallery-main").dataset.onPage);
const vectors = part("grid").classList.contains("profiles");
const grid = imageGrid(part("grid"), (place) => enlarge(place));
const enlarge = imageDialog(grid, (index) => go({ similar: index }));
let clusters = [];
let shown = "";

function go(values) {
  location.hash = new URLSearchParams(values).toString();
}

function wanted() {
  const found = new URLSearchParams(location.hash.slice(1));
  const number = (name) => (/^\d{1,9}$/.test(found.get(name) ?? "") ? Number(found.get(name)) : null);
  const order = [...part("order").options].some((option) => option.value === found.get("order"));
  const settings = { page: number("page") ?? 0, order: order ? found.get("order") : "surest" };
  return { cluster: number("cluster"), similar: number("similar"), ...settings };
}

function called(cluster) {
  return element("span", { class: "cluster-name" }, swatch(colourOf(cluster)), foreign(nameOf(cluster)));
}

/** Return the number of a cluster that has a name, to stand before other facts. */
function numbered(cluster) {
  return nameOf(cluster) === `cluster ${cluster}` ? "" : `cluster ${cluster} · `;
}

function facts({ cluster, size, confidence }) {
  const what = `${vectors ? "vector" : "image"}${size === 1 ? "" : "s"}`;
  return `${numbered(cluster)}${grouped(size)} ${what} · mean confidence ${percent(confidence)}`;
}

function card(found) {
  const images = found.surest.slice(0, vectors ? 4 : 10).map(({ index }) => thumbnail(index));
  const link = element(
    "a",
    { class: "cluster-card", href: `#cluster=${found.cluster}` },
    called(found.cluster),
    element("span", { class: "cluster-facts" }, facts(found)),
    element("span", { class: vectors ? "strip profiles" : "strip" }, ...images),
  );
  return element("li", {}, link);
}

function thumbnail(index) {
  const image = element("img", { alt: "", loading: "lazy", decoding: "async" });
  image.src = address(`images/${index}/small.png`);
  image.addEventListener("load", () => image.classList.toggle("pixelated", image.naturalWidth < 64));
  image.addEventListener("error", () => image.remove());
  return image;
}

function filled() {
  return clusters.filter(({ size }) => size);
}

function showCards() {
  part("cards").replaceChildren(...filled().map(card));
  showEmpty();
}

function showEmpty() {
  const empty = clusters.filter(({ size }) => !size);
  part("empty").hidden = !empty.length;
  part("empty-list").replaceChildren(...empty.map(({ cluster }) => element("li", {}, called(cluster))));
}

/** Show changed names on the cards, whose images stay. */
function renameCards() {
  [...part("cards").children].forEach((card, at) => {
    const found = filled()[at];
    card.querySelector(".cluster-name").replaceWith(called(found.cluster));
    card.querySelector(".cluster-facts").textContent = facts(found);
  });
  showEmpty();
}

/** Show what the address names. */
async function show() {
  const { cluster, similar, page, order } = wanted();
  const listing = cluster !== null || similar !== null;
  part("overview").hidden = listing;
  part("listing").hidden = !listing;
  part("reading").hidden = true;
  const moved = shown !== "" && shown !== location.hash;
  shown = location.hash || "#";
  try {
    if (cluster !== null) await showCluster(cluster, page, order);
    else if (similar !== null) await showSimilar(similar);
  } catch (error) {
    grid.show([]);
    part("reading").hidden = true;
    tell(error.message);
  }
  if (moved) part(listing ? "listing-heading" : "overview-heading").focus();
}

async function showCluster(cluster, page, order) {
  const found = await ask(`api/gallery/clusters/${cluster}?order=${order}&page=${page}`);
  heading(cluster);
  const first = page * onPage;
  const of = `${grouped(first + 1)}–${grouped(first + found.items.length)} of ${grouped(found.total)}`;
  part("place").textContent = found.items.length ? of : `none of ${grouped(found.total)}`;
  part("order").value = order;
  part("order-label").hidden = part("select-all").hidden = false;
  part("pager").hidden = found.total <= onPage;
  part("previous").disabled = page === 0;
  part("next").disabled = first + onPage >= found.total;
  part("select-all").textContent = `Select all ${grouped(found.total)}`;
  grid.show(found.items);
}

function heading(cluster) {
  part("listing-heading").replaceChildren(called(cluster));
  const found = clusters.find((each) => each.cluster === cluster);
  part("listing-note").textContent = found?.size ? facts(found) : "";
}

async function showSimilar(index) {
  part("listing-heading").textContent = `Images like image ${grouped(index)}`;
  part("listing-note").textContent = "";
  part("order-label").hidden = part("pager").hidden = true;
  part("select-all").hidden = true;
  grid.show([]);
  await readAll(({ done, total }) => {
    if (wanted().similar !== index) return;
    part("reading").hidden = false;
    part("reading-text").textContent = `Reading all images once: ${grouped(done)} of ${grouped(total)}`;
    if (total) Object.assign(part("reading-bar"), { max: total, value: done });
  });
  const [found, item] = await Promise.all([
    ask(`api/gallery/images/${index}/similar`),
    ask(`api/gallery/images/${index}`),
  ]);
  if (wanted().similar !== index) return;
  part("reading").hidden = true;
  part("listing-note").textContent =
    `The first is the image itself; the ${found.items.length} images with the nearest ${found.space} follow.`;
  grid.show([item, ...found.items], true);
}

function turn(step) {
  const { cluster, page, order } = wanted();
  go({ cluster, page: page + step, order });
}

async function selectAll() {
  const { cluster, order } = wanted();
  try {
    select(await ask(`api/gallery/clusters/${cluster}/indices?order=${order}`));
  } catch (error) {
    tell(error.message);
  }
}

/** Let the browser save the selection as a file. */
async function exportSelection() {
  const body = JSON.stringify({ indices: selection() });
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(address("api/gallery/export"), { method: "POST", headers, body });
    if (!response.ok) throw new Error((await response.json()).error);
    const link = element("a", { href: URL.createObjectURL(await response.blob()), download: "selection.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) {
    tell(`The selection was not exported: ${error.message}`);
  }
}

function showSelection() {
  const count = selection().length;
  part("selected").textContent = count ? `${grouped(count)} selected` : "Nothing selected";
  part("select-none").disabled = part("export").disabled = count === 0;
}

async function start() {
  try {
    await refresh();
  } catch (error) {
    tell(error.message);
  }
  try {
    const overview = await ask("api/gallery");
    clusters = overview.clusters;
    part("problem").hidden = !overview.problem;
    part("problem").textContent = overview.problem && `The images cannot be shown. ${overview.problem}`;
    showCards();
  } catch (error) {
    tell(error.message);
  }
  await show();
}

part("back").addEventListener("click", (event) => {
  event.preventDefault();
  location.hash = "";
});
part("order").addEventListener("change", () => go({ cluster: wanted().cluster, order: part("order").value }));
part("previous").addEventListener("click", () => turn(-1));
part("next").addEventListener("click", () => turn(1));
part("select-all").addEventListener("click", selectAll);
part("select-none").addEventListener("click", clear);
part("export").addEventListener("click", exportSelection);
document.addEventListener("selection", showSelection);
document.addEventListener("names", () => {
  renameCards();
  if (wanted().cluster !== null && names()) heading(wanted().cluster);
});
part("to-names")?.addEventListener("click", () => {
  part("legend-editor").scrollIntoView();
  part("legend-editor").querySelector("input[type=text]").focus({ preventScroll: true });
});
window.addEventListener("hashchange", show);
start();
