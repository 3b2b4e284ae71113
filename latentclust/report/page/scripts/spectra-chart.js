// The mean spectra of clusters as lines; the marked cluster has a band of one standard deviation.
import { isolate } from "./bidi.js";
import { lazyChart, token } from "./theme.js";

const MOST_SPECTRA = 40;

export function startSpectra(container, found, onPoint) {
  const present = found.clusters
    .map((cluster, at) => ({ ...cluster, number: at + 1, mean: found.mean[at], deviation: found.deviation[at] }))
    .filter((cluster) => cluster.mean[0] !== null);
  let marked = 0;
  let listened = null;
  const draw = (chart) => {
    // A marked cluster is shown even if there are many.
    const shown = present.filter((cluster, at) => at < MOST_SPECTRA || cluster.number === marked);
    // Lines that stay are kept, with the tip at the pointer.
    chart.setOption(spectraOption(found.bands, shown, marked), { replaceMerge: ["series"] });
    if (chart === listened) return;
    listened = chart;
    chart.on("mouseover", { componentType: "series" }, (event) => onPoint(Number(event.seriesId), false));
    chart.on("click", { componentType: "series" }, (event) => onPoint(Number(event.seriesId), true));
    chart.on("globalout", () => onPoint(0, false));
    chart.getZr().on("mousemove", (event) => {
      if (!event.target) onPoint(0, false);
    });
  };
  const start = lazyChart(container, draw);
  return (number) => {
    if (number === marked) return;
    marked = number;
    draw(start());
  };
}

function spectraOption(bands, shown, marked) {
  const label = { color: token("muted") };
  const chosen = shown.find((cluster) => cluster.number === marked);
  return {
    animation: false,
    grid: { left: 8, right: 16, top: 16, bottom: 8, containLabel: true },
    xAxis: {
      type: "category",
      boundaryGap: false,
      data: bands,
      axisLabel: { ...label, interval: 0, hideOverlap: true, width: 90, overflow: "truncate" },
      axisLine: { lineStyle: { color: token("control") } },
    },
    yAxis: { type: "value", scale: true, axisLabel: label, splitLine: { lineStyle: { color: token("line") } } },
    tooltip: {
      trigger: "item",
      confine: true,
      backgroundColor: token("raised"),
      borderColor: token("control"),
      textStyle: { color: token("text") },
      formatter: (point) => spectrumTip(shown.find((cluster) => String(cluster.number) === point.seriesId), bands, point),
    },
    series: [...(chosen ? deviationBand(chosen) : []), ...shown.map((cluster) => spectrumLine(cluster, marked))],
  };
}

function spectrumLine(cluster, marked) {
  const faded = marked !== 0 && cluster.number !== marked;
  return {
    id: String(cluster.number),
    type: "line",
    data: cluster.mean,
    symbol: "circle",
    symbolSize: 7,
    z: faded ? 2 : 3,
    triggerLineEvent: true,
    lineStyle: { color: cluster.colour, width: cluster.number === marked ? 3 : 2, opacity: faded ? 0.2 : 1 },
    itemStyle: { color: cluster.colour, opacity: faded ? 0.2 : 1 },
    emphasis: { disabled: true },
  };
}

function deviationBand(cluster) {
  const part = (id, data, area) => ({
    id,
    type: "line",
    stack: "deviation",
    stackStrategy: "all",
    data,
    symbol: "none",
    silent: true,
    lineStyle: { opacity: 0 },
    tooltip: { show: false },
    ...(area ? { areaStyle: { color: cluster.colour, opacity: 0.25 } } : {}),
  });
  return [
    part("below", cluster.mean.map((mean, at) => mean - cluster.deviation[at]), false),
    part("within", cluster.deviation.map((deviation) => 2 * deviation), true),
  ];
}

function spectrumTip(cluster, bands, point) {
  const box = document.createElement("div");
  const at = point.dataIndex;
  const digits = (value) => Number(value.toPrecision(4)).toLocaleString("en");
  const lines = at === undefined
    ? [cluster.name]
    : [cluster.name, `${isolate(bands[at])}: ${digits(cluster.mean[at])} ± ${digits(cluster.deviation[at])}`];
  for (const text of lines) box.append(Object.assign(document.createElement("div"), { textContent: text }));
  return box;
}
