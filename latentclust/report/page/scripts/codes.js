// A map of the codes: a scatter chart whose points show their image, with the pointer or by stepping through them.
import { readData } from "./data.js";
import { baseOption, lazyChart, token } from "./theme.js";
import { describe, element, samples, thumb } from "./thumbs.js";

const codes = readData("codes");
const codeControls = document.getElementById("code-controls");
const codeChart = document.getElementById("code-chart");
const codePoint = document.getElementById("code-point");
// A second pass through the colours has another mark, as in colours.py.
const MARKS = ["circle", "rect", "diamond", "triangle", "roundRect", "pin"];
const COLOURS_A_MARK = 30;
let shown = [];
let current = -1;

function byClass() {
  return codeControls.elements.colour?.value === "class";
}

function groupOf(slot) {
  return byClass() ? samples.classes[slot] : samples.cluster[slot];
}

function groupNames() {
  return byClass() ? samples.classNames : samples.clusterNames;
}

function fillGroups() {
  const select = codeControls.elements.group;
  const present = new Set(codes.slots.map(groupOf));
  const options = groupNames().map((name, group) => [group, name]);
  select.replaceChildren(new Option(`all ${byClass() ? "classes" : "clusters"}`, ""));
  for (const [group, name] of options) if (present.has(group)) select.add(new Option(name, group));
}

// Draw the points, of the whole map or with the zoom of before.
function draw(chart, zoom = []) {
  const wanted = codeControls.elements.group.value;
  const points = codes.maps[codeControls.elements.map.value].points;
  const colours = byClass() ? codes.classColours : codes.clusterColours;
  const muted = token("line");
  const value = (slot, at, itemStyle, symbol) => ({ value: points[at], name: String(slot), itemStyle, symbol });
  const others = [];
  shown = [];
  codes.slots.forEach((slot, at) => {
    const group = groupOf(slot);
    if (wanted !== "" && group !== Number(wanted)) {
      others.push(value(slot, at, { color: muted }, "circle"));
    } else {
      const mark = MARKS[Math.floor(Math.max(group, 0) / COLOURS_A_MARK) % MARKS.length];
      shown.push(value(slot, at, { color: colours[group] ?? muted }, mark));
    }
  });
  shown.sort((one, other) => one.value[0] - other.value[0] || one.value[1] - other.value[1]);
  current = -1;
  const { animation, tooltip } = baseOption();
  const axis = { show: false, min: -300, max: 10300 };
  chart.setOption(
    {
      animation,
      grid: { left: 8, right: 8, top: 8, bottom: 8 },
      xAxis: axis,
      yAxis: axis,
      dataZoom: ["xAxisIndex", "yAxisIndex"].map((which, at) => ({
        start: zoom[at]?.start,
        end: zoom[at]?.end,
        type: "inside",
        [which]: 0,
        filterMode: "none",
        zoomOnMouseWheel: "ctrl",
        moveOnMouseWheel: false,
      })),
      tooltip: { ...tooltip, formatter: (point) => tip(Number(point.name)) },
      series: [
        { type: "scatter", data: others, symbolSize: 3, silent: true, z: 1, tooltip: { show: false } },
        {
          type: "scatter",
          data: shown,
          symbolSize: codeChart.clientWidth < 600 ? 5 : 7,
          z: 2,
          emphasis: { itemStyle: { borderColor: token("text"), borderWidth: 2 } },
        },
      ],
    },
    true,
  );
}

function tip(slot) {
  const box = element("div", "", "tip");
  box.append(thumb(slot, true), ...describe(slot).map((line) => element("div", line)));
  return box;
}

function showPoint(slot) {
  codePoint.replaceChildren(thumb(slot, true), ...describe(slot).map((line) => element("p", line)));
}

function move(by) {
  const chart = startChart();
  if (!shown.length) return;
  chart.dispatchAction({ type: "downplay", seriesIndex: 1 });
  current = (current + by + shown.length) % shown.length;
  chart.dispatchAction({ type: "highlight", seriesIndex: 1, dataIndex: current });
  chart.dispatchAction({ type: "showTip", seriesIndex: 1, dataIndex: current });
  showPoint(Number(shown[current].name));
}

fillGroups();
const startChart = lazyChart(codeChart, (chart) => {
  draw(chart, chart.getOption()?.dataZoom);
  chart.off("mouseover");
  chart.on("mouseover", { seriesIndex: 1 }, (event) => {
    current = event.dataIndex;
    showPoint(Number(event.name));
  });
});

codeControls.addEventListener("input", (event) => {
  if (event.target.name === "colour") fillGroups();
  draw(startChart());
});
codeControls.addEventListener("submit", (event) => event.preventDefault());
codeControls.addEventListener("click", (event) => {
  const { move: by, reset } = event.target.dataset;
  if (by) move(Number(by));
  if (reset !== undefined) draw(startChart());
});
codeChart.addEventListener("keydown", (event) => {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (by) {
    event.preventDefault();
    move(by);
  }
});
