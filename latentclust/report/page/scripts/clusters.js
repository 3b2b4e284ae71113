// Cards of clusters: sorted, filtered, and opened as a dialog.
import { readData } from "./data.js";
import { describe, element, samples, thumb } from "./thumbs.js";

const clusters = readData("clusters").map((cluster) => ({
  ...cluster,
  classes: classParts(cluster),
  confused: cluster.confused.map(([group, share]) => ({ group, share, name: samples.clusterNames[group] })),
}));
const byCluster = new Map(clusters.map((cluster) => [cluster.cluster, cluster]));
const cardList = document.getElementById("cluster-cards");
const cards = new Map([...cardList.children].map((card) => [Number(card.dataset.cluster), card]));
const controls = document.getElementById("cluster-controls");
const dialog = document.getElementById("cluster-dialog");
const titles = new Intl.Collator(undefined, { numeric: true });
let order = clusters;
let opened = null;

// Empty clusters have no confidence and no purity, and come last.
const ORDERS = {
  cluster: (one, other) => one.cluster - other.cluster,
  size: (one, other) => other.size - one.size,
  confidence: (one, other) => (one.confidence ?? 2) - (other.confidence ?? 2),
  purity: (one, other) => (one.purity ?? 2) - (other.purity ?? 2),
  title: (one, other) => titles.compare(one.title, other.title),
};

// Classes that are left out have the number -1.
function classParts({ classes, otherClasses }) {
  const total = classes.reduce((sum, [, count]) => sum + count, 0);
  return classes.map(([group, count]) => ({
    group: group < 0 ? "other" : group,
    count,
    share: count / total,
    name: group < 0 ? `${otherClasses.toLocaleString("en")} other classes` : samples.classNames[group],
  }));
}

function limit(name, otherwise) {
  const value = controls.elements[name]?.valueAsNumber;
  return value === undefined || Number.isNaN(value) ? otherwise : value;
}

function arrange() {
  const words = controls.elements.name.value.trim().toLowerCase();
  const shown = (cluster) =>
    (cluster.title.toLowerCase().includes(words) ||
      cluster.classes.some((part) => part.name.toLowerCase().includes(words))) &&
    cluster.size >= limit("size", 0) &&
    (cluster.confidence ?? 0) <= limit("confidence", 1) &&
    (cluster.purity ?? 0) <= limit("purity", 1);
  order = clusters.filter(shown).sort(ORDERS[controls.elements.sort.value]);
  const kept = new Set(order.map((cluster) => cluster.cluster));
  for (const [number, card] of cards) card.hidden = !kept.has(number);
  cardList.append(...order.map((cluster) => cards.get(cluster.cluster)));
  document.getElementById("cluster-count").textContent = `${order.length} of ${clusters.length} clusters are shown.`;
}

// Parts of a whole as bars, whose full length is `whole`.
function bars(title, parts, whole, kind, makeLabel) {
  const list = element("div", "", "bars");
  for (const part of parts) {
    const label = element("div", "", "label");
    label.append(makeLabel(part));
    const count = part.count === undefined ? "" : ` (${part.count.toLocaleString("en")})`;
    const track = element("div", "", "track");
    const bar = element("div", "", `bar ${kind}-${part.group}`);
    bar.style.width = `${(100 * part.share) / whole}%`;
    track.append(bar);
    list.append(label, element("div", `${(100 * part.share).toFixed(1)}%${count}`, "value"), track);
  }
  return [element("h4", title), list];
}

function gallery(row) {
  const images = element("div", "", "thumbs");
  for (const slot of row.slots) {
    const picture = thumb(slot, true);
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", describe(slot).join("; "));
    images.append(picture);
  }
  return [element("h4", row.title), images];
}

function neighbour(part) {
  const button = element("button", part.name, "plain link");
  button.type = "button";
  button.disabled = !byCluster.has(part.group);
  button.addEventListener("click", () => open(byCluster.get(part.group)));
  return button;
}

function open(cluster) {
  opened = cluster;
  document.getElementById("cluster-dialog-title").textContent = cluster.title;
  const body = document.getElementById("cluster-dialog-body");
  const known = [`${cluster.size.toLocaleString("en")} (${(100 * cluster.share).toFixed(1)}%)`];
  if (cluster.confidence !== null) known.push(`mean confidence ${cluster.confidence.toFixed(3)}`);
  if (cluster.purity !== null) known.push(`purity ${(100 * cluster.purity).toFixed(1)}%`);
  const parts = [element("p", known.join(" · "))];
  if (cluster.classes.length) parts.push(...bars("Classes", cluster.classes, 1, "class", (part) => part.name));
  if (cluster.confused.length) {
    const title = "Confused with: mean probability of other clusters";
    parts.push(...bars(title, cluster.confused, cluster.confused[0].share, "group", neighbour));
  }
  for (const row of cluster.rows) if (row.slots.length) parts.push(...gallery(row));
  body.replaceChildren(...parts);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

function step(by) {
  const at = order.indexOf(opened);
  open(order[(at + by + order.length) % order.length] ?? opened);
}

cardList.addEventListener("click", (event) => {
  const card = event.target.closest(".cluster");
  if (card && event.target.closest("button, .thumb")) open(byCluster.get(Number(card.dataset.cluster)));
});
dialog.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (event.target === dialog || button?.dataset.close !== undefined) dialog.close();
  else if (button?.dataset.step) step(Number(button.dataset.step));
});
dialog.addEventListener("close", () => cards.get(opened.cluster).querySelector("button").focus());
controls.addEventListener("input", arrange);
controls.addEventListener("submit", (event) => event.preventDefault());
arrange();
