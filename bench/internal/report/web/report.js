// Draws the charts of the report with uPlot and makes them usable without a mouse. All data is in #chart-data; nothing is loaded.
(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("chart-data").textContent);
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  let printing = false;
  const theme = () => (prefersDark.matches && !printing ? data.dark : data.light);

  // --- figures as text -----------------------------------------------------------------------------------------------

  // Three significant digits with thousands set apart, as in the tables; on an axis without zeros that say nothing of a round number.
  const digits = (v) => {
    if (v === 0) return "0";
    const rounded = Number(v.toPrecision(3));
    const places = Math.min(20, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(rounded)))));
    return rounded.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
  };
  const short = (v) => digits(v).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
  const thousands = (v) => {
    const a = Math.abs(v);
    if (a >= 1e9) return short(v / 1e9) + "G";
    if (a >= 1e6) return short(v / 1e6) + "M";
    if (a >= 1e4) return short(v / 1e3) + "k";
    return short(v);
  };
  const whole = (v) => (Number.isInteger(v) ? v.toLocaleString("en-US") : digits(v));
  // The unit is that of the figure as it is shown: 999.6 µs are 1.00 ms.
  const time = (v, number, little) => {
    const shown = Math.abs(Number(v.toPrecision(3)));
    return v === 0 ? "0" : shown >= 1e6 ? number(v / 1e6) + " s" : shown >= 1e3 ? number(v / 1e3) + " ms" : little(v) + " µs";
  };
  const formats = (number, many, little) => ({
    us: (v) => time(v, number, little),
    s: (v) => short(v) + " s",
    share: (v) => number(v * 100) + " %",
    percentile: (v) => (v <= 1 ? "min" : "p" + Number((100 - 100 / v).toFixed(Math.max(1, Math.ceil(Math.log10(v) - 1e-9))))),
    rps: (v) => many(v) + "/s",
    usd: (v) => "$" + many(v),
    count: number === short ? many : little,
  });
  const onAxis = formats(short, thousands, short);
  const readings = formats(digits, digits, whole);

  // --- axes ----------------------------------------------------------------------------------------------------------

  // The same places as in the static pictures: powers of ten, and 2 and 5 times them where there are few powers.
  const logSplits = (low, high) => {
    const decades = Math.log10(high / low);
    const out = [];
    for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++) {
      for (const n of decades < 0.7 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : decades < 2.5 ? [1, 2, 5] : [1]) {
        const v = Number((n * 10 ** e).toPrecision(12));
        if (v >= low * 0.999 && v <= high * 1.001 && (decades < 7 || e % 2 === 0)) out.push(v);
      }
    }
    return out;
  };
  const percentileSplits = (low, high, narrow) => {
    const out = narrow ? [2] : [1, 2];
    for (let v = 10; v <= high * 1.001; v *= 10) out.push(v);
    return out.filter((v) => v >= low * 0.999);
  };

  const range = (axis) => (u, low, high) => {
    if (low == null || high == null) return axis.scale === "log" ? [1, 10] : [0, 1];
    if (axis.unit === "percentile") return low === high ? [low / 2, high * 2] : [low, high];
    if (axis.scale === "log") return high <= low * 1.01 ? [low / 2, high * 2] : [low * 0.93, high * 1.07];
    if (axis.zero) return [Math.min(0, low), high > 0 ? high * 1.05 : 1];
    return low === high ? [low - 1, high + 1] : [low, high];
  };
  const scale = (axis, zoomed) => ({
    time: false,
    distr: axis.scale === "log" ? 3 : 1,
    range: (u, low, high) => (zoomed && zoomed() && low != null && low < high ? [low, high] : range(axis)(u, low, high)),
  });
  const wholes = Array.from({ length: 48 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3));
  const ticks = (axis) => {
    const t = theme();
    const out = {
      stroke: t.ink,
      font: "12px system-ui, sans-serif",
      grid: { stroke: t.grid, width: 1 },
      ticks: { stroke: t.muted, width: 1, size: 5 },
      values: (u, splits) => splits.map((v) => (v == null ? "" : onAxis[axis.unit](v))),
    };
    if (axis.unit === "count") out.incrs = wholes;
    if (axis.scale === "log") {
      out.splits = (u, i, low, high) => (axis.unit === "percentile" ? percentileSplits(low, high, u.width < 420) : logSplits(low, high));
      out.filter = (u, splits) => splits;
    }
    return out;
  };

  // --- lines ---------------------------------------------------------------------------------------------------------

  const dashes = [[], [8, 5], [2, 4], [10, 4, 2, 4]];
  const pointsOf = (part) => {
    const out = [];
    for (let i = 0; i < part.length; i += 2) out.push([part[i], part[i + 1]]);
    return out;
  };

  // valueAt is the y of a line at an x: that of the nearest point, and none in a gap.
  const valueAt = (series, x) => {
    for (const part of series.parts || []) {
      const n = part.length;
      if (n === 0 || x < part[0] - 1e-9 || x > part[n - 2] + 1e-4) continue;
      let low = 0;
      let high = n / 2 - 1;
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (part[2 * middle] <= x + 1e-9) low = middle;
        else high = middle - 1;
      }
      return part[2 * low + 1];
    }
    return null;
  };

  // parts draws lines with gaps between them. What uPlot does by itself ends a line a little into the gap.
  const parts = (list) => (u) => {
    const stroke = new Path2D();
    for (const part of list) {
      for (let i = 0; i < part.length; i += 2) {
        const x = u.valToPos(part[i], "x", true);
        const y = u.valToPos(part[i + 1], "y", true);
        if (i === 0) stroke.moveTo(x, y);
        else stroke.lineTo(x, y);
      }
    }
    return { stroke, fill: null, clip: null, band: null, gaps: null, flags: 1 };
  };

  const lineChart = (chart, width, height, zoomed, hooks) => {
    const t = theme();
    const tables = [];
    const series = [{}];
    const bands = [];
    const map = [];
    chart.series.forEach((s, i) => {
      const points = [[], []];
      (s.parts || []).forEach((part, n) => {
        if (n > 0) {
          // A gap: a place of its own between two parts, with nothing.
          points[0].push((points[0][points[0].length - 1] + part[0]) / 2);
          points[1].push(null);
        }
        for (const [x, y] of pointsOf(part)) {
          points[0].push(x);
          points[1].push(y);
        }
      });
      const color = t.series[s.color];
      tables.push(points);
      series.push({
        label: s.label, scale: "y", stroke: color, width: s.bold ? 2.5 : 1.5, dash: dashes[s.dash % 4],
        points: { show: (s.parts || []).every((p) => p.length <= 2), size: 6, fill: color },
        ...(s.low ? {} : { paths: parts(s.parts || []) }),
      });
      map.push([series.length - 1]);
      if (s.low) {
        for (const edge of [s.high, s.low]) {
          tables.push([points[0], edge]);
          series.push({ label: "", scale: "y", stroke: "transparent", width: 0, points: { show: false } });
          map[i].push(series.length - 1);
        }
        bands.push({ series: [series.length - 2, series.length - 1], fill: color + "33" });
      }
    });
    const marks = (u) => {
      const ctx = u.ctx;
      ctx.save();
      ctx.font = Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      ctx.textBaseline = "top";
      (chart.marks || []).forEach((m, i) => {
        const x = u.valToPos(m.x, "x", true);
        if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) return;
        ctx.strokeStyle = ctx.fillStyle = theme().ink;
        ctx.lineWidth = devicePixelRatio;
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(x, u.bbox.top);
        ctx.lineTo(x, u.bbox.top + u.bbox.height);
        ctx.stroke();
        const right = x + ctx.measureText(m.label).width + 10 > u.bbox.left + u.bbox.width;
        ctx.textAlign = right ? "right" : "left";
        ctx.fillText(m.label, x + (right ? -5 : 5), u.bbox.top + (3 + 14 * (i % 3)) * devicePixelRatio);
      });
      ctx.restore();
    };
    const stripes = (u) => {
      const ctx = u.ctx;
      ctx.save();
      ctx.font = Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      ctx.textAlign = "center";
      ctx.textBaseline = "bottom";
      (chart.bands || []).forEach((b, i) => {
        const left = Math.max(u.valToPos(b.from, "x", true), u.bbox.left);
        const right = Math.min(u.valToPos(b.to, "x", true), u.bbox.left + u.bbox.width);
        if (right <= left) return;
        if (i % 2 === 0) {
          ctx.fillStyle = theme().stripe;
          ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
        }
        ctx.fillStyle = theme().muted;
        if (ctx.measureText(b.label).width + 6 < right - left) ctx.fillText(b.label, (left + right) / 2, u.bbox.top - 2);
      });
      ctx.restore();
    };
    return {
      map,
      options: {
        width, height, series, bands,
        padding: [chart.bands ? 18 : 10, 14, 0, 0],
        scales: { x: scale(chart.x, zoomed), y: scale(chart.y) },
        axes: [
          { ...ticks(chart.x), size: 30, label: chart.x.label, labelSize: 20, labelGap: 0, labelFont: "12px system-ui, sans-serif" },
          { ...ticks(chart.y), scale: "y", size: 66 },
        ],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 } },
        hooks: { drawClear: [stripes], draw: [marks], ...hooks },
      },
      data: uPlot.join(tables),
    };
  };

  // --- stacked bars --------------------------------------------------------------------------------------------------

  const barChart = (chart, width, height, hooks) => {
    const t = theme();
    const n = chart.categories.length;
    const sums = new Array(n).fill(0);
    const stacked = chart.series.map((s) => chart.categories.map((_, j) => (sums[j] += (s.values && s.values[j]) || 0)));
    const series = [{}];
    const map = [];
    const rows = [chart.categories.map((_, j) => j)];
    // The whole stack is drawn first, and what is below over it.
    for (let i = chart.series.length - 1; i >= 0; i--) {
      series.push({
        label: chart.series[i].label, scale: "y", stroke: t.ground, width: 1, fill: t.series[chart.series[i].color],
        paths: uPlot.paths.bars({ size: [0.6, 110] }), points: { show: false },
      });
      rows.push(stacked[i]);
      map[i] = [series.length - 1];
    }
    const fits = Math.max(4, Math.floor((width - 80) / n / 7));
    const name = (j) => {
      const text = chart.categories[j] || "";
      return text.length > fits ? text.slice(0, fits - 1) + "…" : text;
    };
    return {
      map,
      options: {
        width, height, series,
        padding: [10, 14, 0, 0],
        scales: { x: { time: false, range: [-0.5, n - 0.5] }, y: scale(chart.y) },
        axes: [
          { ...ticks({ unit: "count" }), splits: () => rows[0], values: (u, splits) => splits.map(name), grid: { show: false } },
          { ...ticks(chart.y), scale: "y", size: 66 },
        ],
        legend: { show: false },
        cursor: { x: false, y: false, points: { show: false }, drag: { x: false, y: false } },
        hooks,
      },
      data: rows,
    };
  };

  // --- a chart with its legend and its probe -------------------------------------------------------------------------

  const element = (tag, attributes, ...children) => {
    const e = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    e.append(...children);
    return e;
  };

  const swatch = (s, bars) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [k, v] of Object.entries({ width: 26, height: 10, "aria-hidden": "true", focusable: "false" })) svg.setAttribute(k, v);
    const line = document.createElementNS("http://www.w3.org/2000/svg", bars ? "rect" : "line");
    const shape = bars ? { x: 6, y: 0, width: 14, height: 10 } : { x1: 0, y1: 5, x2: 26, y2: 5, "stroke-width": s.bold ? 3 : 2, "stroke-dasharray": dashes[s.dash % 4].join(" ") || "none" };
    for (const [k, v] of Object.entries(shape)) line.setAttribute(k, v);
    svg.append(line);
    return { svg, paint: () => line.setAttribute(bars ? "fill" : "stroke", theme().series[s.color]) };
  };

  const views = [];

  const view = (figure, chart) => {
    const bars = !!chart.categories;
    const plot = figure.querySelector(".plot");
    const hidden = new Set();
    let u = null;
    let map = [];
    let isZoomed = false;
    let quiet = false;

    const places = bars
      ? chart.categories.map((_, j) => j)
      : [...new Set(chart.series.flatMap((s) => (s.parts || []).flatMap((p) => p.filter((_, i) => i % 2 === 0))))].sort((a, b) => a - b);
    const describe = (x) => (bars ? chart.categories[x] : readings[chart.x.unit](x));
    const figureAt = (s, x) => {
      const v = bars ? s.values && s.values[x] : valueAt(s, x);
      return v == null ? "–" : readings[chart.y.unit](v);
    };

    const legend = element("ul", { class: "legend" });
    const keys = chart.series.map((s, i) => {
      const mark = swatch(s, bars);
      const value = element("output", { "aria-live": "off" });
      const button = element("button", { type: "button", "aria-pressed": "true" }, mark.svg, element("span", {}, s.label), value);
      button.addEventListener("click", () => {
        if (hidden.has(i)) hidden.delete(i);
        else hidden.add(i);
        button.setAttribute("aria-pressed", String(!hidden.has(i)));
        draw();
      });
      if (bars) button.disabled = true; // a stack without one of its parts would be another sum
      legend.append(element("li", {}, button));
      return { value, mark };
    });

    const slider = element("input", { type: "range", min: 0, max: Math.max(0, places.length - 1), step: 1, value: 0 });
    const where = element("output", { "aria-live": "off" });
    const whole = element("button", { type: "button", class: "whole" }, "Show all");
    whole.hidden = true;
    whole.addEventListener("click", () => {
      isZoomed = false;
      draw();
      slider.focus();
    });
    const label = element("label", {}, "Read at ");
    slider.id = "probe-" + chart.id;
    label.setAttribute("for", slider.id);
    const probe = element("div", { class: "probe" }, label, slider, where, whole);

    const show = (x) => {
      where.textContent = describe(x);
      const parts = [];
      chart.series.forEach((s, i) => {
        const text = figureAt(s, x);
        keys[i].value.textContent = text;
        if (!hidden.has(i) && text !== "–") parts.push(s.label + " " + text);
      });
      slider.setAttribute("aria-valuetext", describe(x) + ": " + (parts.join(", ") || "nothing"));
    };
    slider.addEventListener("input", () => {
      const x = places[slider.value];
      show(x);
      if (!u || bars) return;
      quiet = true;
      u.setCursor({ left: u.valToPos(x, "x"), top: 10 });
      quiet = false;
    });
    const moved = (u) => {
      if (quiet || u.cursor.idx == null || u.cursor.left < 0) return;
      const x = u.data[0][u.cursor.idx];
      let at = places.indexOf(x);
      if (at < 0) at = places.findIndex((p) => p >= x);
      if (at < 0) return;
      slider.value = at;
      show(places[at]);
    };
    const selected = (u) => {
      if (u.select.width > 4) {
        isZoomed = true;
        whole.hidden = false;
      }
    };

    const draw = () => {
      const width = Math.max(200, Math.floor(plot.clientWidth));
      const height = width < 520 ? 260 : 320;
      if (u) u.destroy();
      if (!isZoomed) whole.hidden = true;
      const hooks = { setCursor: [moved], setSelect: [selected] };
      const made = bars ? barChart(chart, width, height, hooks) : lineChart(chart, width, height, () => isZoomed, hooks);
      map = made.map;
      map.forEach((list, i) => list && list.forEach((n) => (made.options.series[n].show = !hidden.has(i))));
      u = new uPlot(made.options, made.data, plot);
      u.over.addEventListener("dblclick", () => {
        isZoomed = false;
        whole.hidden = true;
      });
      keys.forEach((k) => k.mark.paint());
    };

    plot.before(element("div", { class: "axis", "aria-hidden": "true" }, chart.y.label));
    figure.prepend(legend);
    figure.append(probe);
    draw();
    const start = bars ? 0 : Math.floor((places.length - 1) / 2);
    slider.value = start;
    show(places[start]);
    let lastWidth = plot.clientWidth;
    new ResizeObserver(() => {
      if (plot.clientWidth === lastWidth) return;
      lastWidth = plot.clientWidth;
      draw();
    }).observe(plot);
    views.push(draw);
  };

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const chart = data.charts.find((c) => c.id === figure.dataset.chart);
    if (chart) view(figure, chart);
  }

  const redraw = () => views.forEach((draw) => draw());
  prefersDark.addEventListener("change", redraw);
  let closed = [];
  addEventListener("beforeprint", () => {
    printing = true;
    closed = [...document.querySelectorAll("main details:not([open])")];
    closed.forEach((d) => (d.open = true));
    redraw();
  });
  addEventListener("afterprint", () => {
    printing = false;
    closed.forEach((d) => (d.open = false));
    redraw();
  });
})();
