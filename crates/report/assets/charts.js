// Draws the charts. Each figure carries its numbers as JSON; colours are the page's own, so light, dark and print follow.
"use strict";
(() => {
  const month = (text) => new Date(`${text}T00:00:00Z`);
  const months = d3.utcFormat("%b %Y");
  const whole = d3.format(",.0f");
  const exact = (value) => d3.format(Math.abs(value) < 1000 ? ",.2f" : ",.0f")(value);
  const percent = d3.format(".0%");
  const percents = d3.format(".1%");
  const short = (value) => (Math.abs(value) < 10000 ? d3.format(",~r")(value) : d3.format("~s")(value));
  const tip = { fill: "var(--card)", stroke: "var(--line)", fontSize: 12, textPadding: 9 };
  const grid = (more) => Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ticks: 5, ...more });
  const base = { x: { tickSize: 0, label: null }, y: { tickSize: 0, label: null, axis: null } };
  const left = (more) => Plot.axisY({ tickSize: 0, label: null, tickFormat: short, ticks: 5, ...more });
  const time = (width) => Plot.axisX({ tickSize: 4, label: null, ticks: Math.max(2, Math.floor(width / 110)) });
  const bars = { interval: "month", insetLeft: 1, insetRight: 1, rx: 2 };

  const kinds = {
    months(data, width) {
      const rows = data.map((row) => ({ ...row, month: month(row.month) }));
      return { ...base, marks: [grid(), left(), time(width),
        Plot.rectY(rows, { x: "month", y: "value", ...bars, fill: "var(--c1)", fillOpacity: (row) => (row.open ? 0.4 : 0.9),
          title: (row) => `${months(row.month)}${row.open ? ", not over" : ""}\n${exact(row.value)}`, tip }),
        Plot.ruleY([0], { stroke: "var(--faint)" })], opacity: { type: "identity" } };
    },
    line(data, width) {
      const rows = data.filter((row) => row.value !== null).map((row) => ({ ...row, month: month(row.month) }));
      const over = rows.filter((row) => !row.open);
      const at = { x: "month", y: "value" };
      return { ...base, height: 190, marks: [grid(), left({ ticks: 4 }), time(width),
        Plot.lineY(rows.slice(-2), { ...at, stroke: "var(--c1)", strokeDasharray: rows.length > over.length ? "3 4" : null, strokeWidth: 1.6 }),
        Plot.lineY(over, { ...at, stroke: "var(--c1)", strokeWidth: 2 }),
        Plot.dot(rows.slice(-1), { ...at, fill: rows.length > over.length ? "var(--bg)" : "var(--c1)", stroke: "var(--c1)", r: 3 }),
        Plot.tip(rows, Plot.pointerX({ ...at, ...tip, title: (row) => `${months(row.month)}${row.open ? ", not over" : ""}\n${exact(row.value)}` })),
        Plot.ruleY([0], { stroke: "var(--faint)" })] };
    },
    activity(data, width) {
      const rows = data.map((row) => ({ ...row, month: month(row.month) }));
      const colour = { retained: "var(--c1)", reactivated: "var(--c2)", new: "var(--c3)" };
      return { ...base, opacity: { type: "identity" }, marks: [grid(), left(), time(width),
        Plot.rectY(rows, Plot.stackY({ x: "month", y: "value", ...bars, rx: 0, fill: (row) => colour[row.kind], fillOpacity: (row) => (row.open ? 0.4 : 0.88), order: ["var(--c1)", "var(--c2)", "var(--c3)"],
          title: (row) => `${months(row.month)}${row.open ? ", not over" : ""}\n${whole(row.value)} ${row.kind}`, tip })),
        Plot.ruleY([0], { stroke: "var(--faint)" })], color: { type: "identity" } };
    },
    wait(data) {
      const rows = [{ day: 0, share: 0, low: 0, high: 0 }, ...data];
      return { ...base, y: { ...base.y, domain: [0, 1] }, marks: [grid(), left({ tickFormat: percent }), Plot.axisX({ tickSize: 4, label: "days since the first purchase", labelArrow: "none", labelAnchor: "right" }),
        Plot.areaY(rows, { x: "day", y1: "low", y2: "high", curve: "step-after", fill: "var(--c1)", fillOpacity: 0.22 }),
        Plot.lineY(rows, { x: "day", y: "share", curve: "step-after", stroke: "var(--c1)", strokeWidth: 2 }),
        Plot.tip(rows, Plot.pointerX({ x: "day", y: "share", ...tip, title: (row) => `${row.day} days\n${percents(row.share)} have bought again` })),
        Plot.ruleY([0], { stroke: "var(--faint)" })] };
    },
    tenths(data) {
      return { ...base, height: 220, x: { tickSize: 0, label: null, padding: 0.18 }, marks: [grid(), left(), Plot.axisX({ tickSize: 0, label: null }),
        Plot.barY(data, { x: "tenth", y: "value", fill: "var(--c1)", fillOpacity: 0.9, rx: 2, title: (row) => `Tenth ${row.tenth}\n${exact(row.value)}`, tip }),
        Plot.ruleY([0], { stroke: "var(--faint)" })] };
    },
    calibration(data) {
      const known = data.filter((row) => row.predicted !== null);
      return { ...base, height: 260, x: { tickSize: 0, label: null, type: "point" }, marks: [grid(), left(), Plot.axisX({ tickSize: 0, label: null }),
        Plot.link(known, { x: "tenth", y1: "actual", y2: "predicted", stroke: "var(--faint)", strokeWidth: 1.5 }),
        Plot.dot(data, { x: "tenth", y: "actual", r: 5, fill: "var(--c1)" }),
        Plot.dot(known, { x: "tenth", y: "predicted", r: 6, stroke: "var(--c2)", strokeWidth: 2 }),
        Plot.tip(known, Plot.pointerX({ x: "tenth", y: "actual", ...tip, title: (row) => `Tenth ${row.tenth}\n${whole(row.predicted)} predicted\n${whole(row.actual)} made` })),
        Plot.ruleY([0], { stroke: "var(--faint)" })] };
    },
    bins(data) {
      return { ...base, height: 190, marks: [grid(), left({ ticks: 4 }), Plot.axisX({ tickSize: 4, label: null, ticks: 10 }),
        Plot.rectY(data, { x1: "low", x2: "high", y: "value", insetLeft: 1, insetRight: 1, fill: "var(--c1)", fillOpacity: 0.9, rx: 2, title: (row) => `${row.low} to ${row.high} points\n${whole(row.value)} customers`, tip }),
        Plot.ruleY([0], { stroke: "var(--faint)" })] };
    },
    pareto(data) {
      return { ...base, height: 300, x: { ...base.x, domain: [0, 1] }, y: { ...base.y, domain: [0, 1] }, marks: [grid(), left({ tickFormat: percent }), Plot.axisX({ tickSize: 4, label: "customers, the best first", labelArrow: "none", labelAnchor: "right", tickFormat: percent, ticks: 5 }),
        Plot.line([[0, 0], [1, 1]], { stroke: "var(--faint)", strokeDasharray: "4 4" }),
        Plot.areaY(data, { x: "customers", y: "revenue", fill: "var(--c1)", fillOpacity: 0.1 }),
        Plot.lineY(data, { x: "customers", y: "revenue", stroke: "var(--c1)", strokeWidth: 2 }),
        Plot.tip(data, Plot.pointerX({ x: "customers", y: "revenue", ...tip, title: (row) => `The best ${percents(row.customers)} of customers\nbring ${percents(row.revenue)} of revenue` })),
        Plot.ruleY([0], { stroke: "var(--faint)" })] };
    },
  };

  for (const figure of document.querySelectorAll("figure[data-chart]")) {
    const place = figure.querySelector(".plot");
    const data = JSON.parse(figure.querySelector("script").textContent);
    let drawn = 0;
    const draw = () => {
      const width = Math.floor(place.clientWidth);
      if (!width || width === drawn) return;
      drawn = width;
      const plot = Plot.plot({ width, height: 250, marginLeft: 48, marginRight: 10, marginTop: 14, marginBottom: 34, ...kinds[figure.dataset.chart](data, width) });
      plot.setAttribute("aria-hidden", "true");
      place.replaceChildren(plot);
    };
    draw();
    new ResizeObserver(() => requestAnimationFrame(draw)).observe(place);
  }

  const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
  const mark = () => {
    const heads = [...document.querySelectorAll("h2[id]")];
    const here = heads.filter((head) => head.getBoundingClientRect().top < 140).pop() ?? heads[0];
    for (const [id, link] of links) id === here?.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
  };
  addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
  mark();
})();
