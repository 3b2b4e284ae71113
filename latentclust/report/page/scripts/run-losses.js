// Losses of several runs over each other, one chart a loss; the charts of a section share their zoom.
import { isolate } from "./bidi.js";
import { readData } from "./data.js";
import { lazyChart, token } from "./theme.js";

function lossOption(lines, runs, range) {
  const label = { color: token("muted") };
  return {
    animation: false,
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    xAxis: { type: "value", min: "dataMin", max: "dataMax", axisLabel: label, splitLine: { show: false } },
    yAxis: { type: "value", scale: true, splitNumber: 4, axisLabel: label, splitLine: { lineStyle: { color: token("line") } } },
    tooltip: {
      trigger: "axis",
      confine: true,
      backgroundColor: token("raised"),
      borderColor: token("control"),
      textStyle: { color: token("text") },
      formatter: (points) => lossTip(points, runs),
    },
    dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, ...range }],
    series: lines.map((line) => ({
      id: String(line.run),
      type: "line",
      data: line.points,
      showSymbol: line.points.length < 2,
      lineStyle: { color: runs[line.run].colour, width: 2 },
      itemStyle: { color: runs[line.run].colour },
    })),
  };
}

function lossTip(points, runs) {
  const box = document.createElement("div");
  const lines = points.map((point) => `${isolate(runs[Number(point.seriesId)].name)}: ${point.value[1]}`);
  for (const text of [`round ${points[0].value[0]}`, ...lines]) {
    box.append(Object.assign(document.createElement("div"), { textContent: text }));
  }
  return box;
}

function startLosses(root) {
  const { runs, losses } = readData(root.dataset.section);
  const form = document.getElementById(`zoom-${root.dataset.section}`);
  const { from, to } = form.elements;
  // ECharts takes an undefined end for that of the data.
  const value = (input) => (Number.isNaN(input.valueAsNumber) ? undefined : input.valueAsNumber);
  const range = () => ({ startValue: value(from), endValue: value(to) });
  const starts = [...root.querySelectorAll(".run-loss")].map((container, at) => {
    const draw = (chart, shown = range()) => {
      chart.setOption(lossOption(losses[at], runs, shown), true);
      chart.group = root.dataset.section;
      echarts.connect(chart.group);
    };
    // In other colours, and in print, a chart shows the rounds of before.
    const start = lazyChart(container, (chart) => {
      const zoom = chart.getOption()?.dataZoom[0];
      draw(chart, zoom ? { start: zoom.start, end: zoom.end } : range());
    });
    return () => draw(start());
  });
  const redraw = () => starts.forEach((each) => each());
  form.addEventListener("change", redraw);
  form.addEventListener("reset", () => setTimeout(redraw));
  form.addEventListener("submit", (event) => event.preventDefault());
}

document.querySelectorAll(".run-losses").forEach(startLosses);
