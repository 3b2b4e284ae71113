// Curves over the rounds: one chart each, which share zoom and scale.
import { readData } from "./data.js";
import { baseOption, lazyChart, token } from "./theme.js";

const SMOOTHED_SHARE = 0.05; // as in figures.py

function smooth(values) {
  const half = Math.round((values.length * SMOOTHED_SHARE) / 2);
  return values.map((_, at) => {
    if (at < half || at >= values.length - half) return null;
    let sum = 0;
    for (let near = at - half; near <= at + half; near += 1) sum += values[near];
    return sum / (2 * half + 1);
  });
}

function short(value) {
  return Number(value.toPrecision(4)).toString();
}

// Without a positive value, a curve is linear whatever is chosen.
function scaleOf(curve, chosen) {
  return curve.values.some((value) => value > 0) ? chosen : "value";
}

function scaleNote(curve, chosen) {
  const left = curve.values.filter((value) => !(value > 0)).length;
  if (chosen !== "log" || left === 0) return "";
  return left === curve.values.length ? "(linear: no value is positive)" : `(without ${left} values that are not positive)`;
}

function curveOption(curve, chosen, range) {
  const scale = scaleOf(curve, chosen);
  // A logarithmic scale has no place for values that are not positive.
  const usable = (value) => (scale === "log" && !(value > 0) ? null : value);
  const line = (values, colour, width, name) => ({
    name,
    type: "line",
    data: curve.rounds.map((round, at) => [round, usable(values[at])]),
    showSymbol: false,
    lineStyle: { color: token(colour), width },
    itemStyle: { color: token(colour) },
  });
  const { animation, axis, tooltip } = baseOption();
  return {
    animation,
    grid: { left: 8, right: 12, top: 28, bottom: 8, containLabel: true },
    xAxis: { ...axis, type: "value", min: "dataMin", max: "dataMax", splitLine: { show: false } },
    yAxis: {
      ...axis,
      type: scale,
      scale: true,
      splitNumber: 4,
      axisLabel: { ...axis.axisLabel, formatter: (value) => short(value) },
    },
    tooltip: { ...tooltip, trigger: "axis", formatter: (points) => tipOf(points) },
    toolbox: {
      right: 8,
      iconStyle: { borderColor: token("muted") },
      feature: { dataZoom: { yAxisIndex: "none", title: { zoom: "Zoom by dragging", back: "Zoom back" } } },
    },
    dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false, ...range }],
    series: [line(curve.values, "control", 1, "value"), line(smooth(curve.values), "accent", 2, "moving average")],
  };
}

function tipOf(points) {
  const box = document.createElement("div");
  const lines = points
    .filter((point) => point.value[1] !== null)
    .map((point) => `${point.seriesName}: ${short(point.value[1])}`);
  for (const text of [`round ${points[0].value[0].toLocaleString("en")}`, ...lines]) {
    box.append(Object.assign(document.createElement("div"), { textContent: text }));
  }
  return box;
}

function startCurves(root) {
  const curves = readData(root.dataset.section);
  const form = root.querySelector("form");
  const { scale, from, to } = form.elements;
  const first = Math.min(...curves.map((curve) => curve.rounds[0]));
  const last = Math.max(...curves.map((curve) => curve.rounds.at(-1)));
  const reset = () => Object.assign(from, { value: first }) && Object.assign(to, { value: last });
  reset();
  const range = () => ({
    startValue: Number.isNaN(from.valueAsNumber) ? first : from.valueAsNumber,
    endValue: Number.isNaN(to.valueAsNumber) ? last : to.valueAsNumber,
  });
  const redraws = [...root.querySelectorAll(".curve")].map((container, at) => {
    const start = lazyChart(container, (chart) => {
      chart.setOption(curveOption(curves[at], scale.value, range()), true);
      chart.group = `curves-${root.dataset.section}`;
      echarts.connect(chart.group);
      chart.off("datazoom");
      chart.on("datazoom", () => {
        const zoom = chart.getOption().dataZoom[0];
        from.value = Math.round(zoom.startValue);
        to.value = Math.round(zoom.endValue);
      });
    });
    const note = container.parentElement.querySelector(".scale-note");
    return () => {
      note.textContent = scaleNote(curves[at], scale.value);
      start().setOption(curveOption(curves[at], scale.value, range()), true);
    };
  });
  form.addEventListener("change", () => redraws.forEach((redraw) => redraw()));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("[data-reset]").addEventListener("click", () => {
    reset();
    redraws.forEach((redraw) => redraw());
  });
}

document.querySelectorAll(".curves").forEach(startCurves);
