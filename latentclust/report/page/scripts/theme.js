// Colours of charts, which are drawn on a canvas, from the tokens of the style. Charts are drawn anew when they change.

export function token(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

// Paper is white. Before printing the media query of the style does not hold yet.
addEventListener("beforeprint", () => {
  document.documentElement.style.colorScheme = "light";
});
addEventListener("afterprint", () => document.documentElement.style.removeProperty("color-scheme"));

// What all charts share: no animation, and text and lines in the colours of the page.
export function baseOption() {
  const axis = {
    axisLabel: { color: token("muted") },
    axisLine: { lineStyle: { color: token("control") } },
    axisTick: { lineStyle: { color: token("control") } },
    splitLine: { lineStyle: { color: token("line") } },
  };
  const tooltip = {
    backgroundColor: token("raised"),
    borderColor: token("control"),
    textStyle: { color: token("text"), fontFamily: getComputedStyle(document.body).fontFamily },
    confine: true,
  };
  return { animation: false, axis, tooltip };
}

// A chart that fits its element and is made when it comes near the view, because a page may have many.
export function lazyChart(container, draw) {
  let chart = null;
  const begin = () => {
    chart ??= echarts.init(container, null, { renderer: "canvas" });
    draw(chart);
  };
  const watcher = new IntersectionObserver(
    (entries) => {
      if (entries.some((entry) => entry.isIntersecting)) {
        watcher.disconnect();
        begin();
      }
    },
    { rootMargin: "300px" },
  );
  watcher.observe(container);
  new ResizeObserver(() => chart?.resize()).observe(container);
  const redraw = () => {
    if (chart) draw(chart);
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  // What is printed has all charts, also those that were never in view.
  addEventListener("beforeprint", begin);
  addEventListener("afterprint", redraw);
  return () => {
    if (!chart) {
      watcher.disconnect();
      begin();
    }
    return chart;
  };
}
