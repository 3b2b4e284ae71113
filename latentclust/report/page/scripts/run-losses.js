// Losses of several runs over each other, one chart a loss; the charts of a section share their zoom.
import { readData } from "./data.js";
import { lazyChart, token } from "./theme.js";

function lossOption(lines, runs) {
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
    dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }],
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
  const lines = points.map((point) => `${runs[Number(point.seriesId)].name}: ${point.value[1]}`);
  for (const text of [`round ${points[0].value[0]}`, ...lines]) {
    box.append(Object.assign(document.createElement("div"), { textContent: text }));
  }
  return box;
}

for (const root of document.querySelectorAll(".run-losses")) {
  const { runs, losses } = readData(root.dataset.section);
  [...root.querySelectorAll(".run-loss")].forEach((container, at) => {
    lazyChart(container, (chart) => {
      chart.setOption(lossOption(losses[at], runs), true);
      chart.group = root.dataset.section;
      echarts.connect(chart.group);
    });
  });
}
