"use strict";
// Plots and the queries that differ most, from the data in the page.
(() => {
  const { data, element, shown, wordsOf, number, percent, count } = foolsgold;
  const colours = { first: "var(--gold)", second: "var(--blue)" };
  const plots = document.getElementById("plots");
  const style = { background: "transparent", color: "var(--text)", fontSize: "12px", overflow: "visible" };

  function figure(caption, label, draw) {
    const holder = element("div", { role: "img", "aria-label": label });
    plots.append(element("figure", {}, holder, element("figcaption", {}, ...caption)));
    const width = Math.max(280, Math.min(920, plots.clientWidth || 920));
    holder.append(draw(width));
  }

  const swatch = (run) => element("span", { class: run }, element("span", { class: "swatch" }), `${run} `);

  function steps() {
    const { edges, shares } = data.spread;
    return Object.entries(shares).flatMap(([name, values]) => {
      const [run, what] = name.split(" ");
      return values.map((share, place) => ({ run, what, name, x: (edges[place] + edges[place + 1]) / 2, share }));
    });
  }

  function drawSpread() {
    const { relative } = data.spread;
    const points = steps();
    if (!points.length) return;
    const caption = relative
      ? "How far negatives stand from their positive. Scores of the two runs do not compare; this is (score of the negative − score of its positive) in standard deviations of the positives’ scores."
      : "Scores of negatives (filled) and of the positives of their pairs (dashed).";
    figure([swatch("first"), swatch("second"), caption], "histogram of scores of both runs", (width) => Plot.plot({
      width, height: 270, style, marginLeft: 48, marginBottom: 42,
      x: { labelOffset: 38, label: relative ? "distance from the positive, in standard deviations" : "score", tickSize: 0 },
      y: { label: "share", tickFormat: "%", grid: true, tickSize: 0, ticks: 5 },
      marks: [
        ...["first", "second"].flatMap((run) => {
          const negatives = points.filter((point) => point.name === `${run} negatives`);
          const positives = points.filter((point) => point.name === `${run} positives`);
          return [
            Plot.areaY(negatives, { x: "x", y: "share", fill: colours[run], fillOpacity: 0.18, curve: "step" }),
            Plot.lineY(negatives, { x: "x", y: "share", stroke: colours[run], strokeWidth: 1.75, curve: "step" }),
            Plot.lineY(positives, { x: "x", y: "share", stroke: colours[run], strokeWidth: 1.25, strokeDasharray: "4 3", curve: "step" }),
          ];
        }),
        relative ? Plot.ruleX([0], { stroke: "var(--muted)" }) : null,
        Plot.ruleY([0], { stroke: "var(--line)" }),
      ],
    }));
  }

  function drawOverlap() {
    if (!data.overlap.some((bar) => bar.queries)) return;
    const caption = "Queries by the share of their negatives that both runs chose.";
    figure([caption], "queries by overlap", (width) => Plot.plot({
      width, height: 250, style, marginLeft: 48, marginTop: 30, marginBottom: width < 600 ? 48 : 30,
      x: { label: null, domain: data.overlap.map((bar) => bar.overlap), tickSize: 0, tickRotate: width < 600 ? -40 : 0 },
      y: { label: "queries", grid: true, tickSize: 0, ticks: 5 },
      marks: [
        Plot.barY(data.overlap, { x: "overlap", y: "queries", fill: "var(--muted)" }),
        Plot.text(data.overlap.filter((bar) => bar.queries), { x: "overlap", y: "queries", text: (bar) => count(bar.queries), dy: -7, fill: "var(--text)" }),
        Plot.ruleY([0], { stroke: "var(--line)" }),
      ],
    }));
  }

  function standing(run, { rank, score, probability, positive }, chosen) {
    const parts = [rank === null ? (chosen ? "no rank" : data.has_ranks[run] ? "no candidate" : "rank not known") : `rank ${count(rank)}`];
    if (score !== null) parts.push(`score ${number(score)}`);
    if (probability !== null) parts.push(`${percent(probability)} likely to be relevant`);
    if (positive) parts.push("a known positive there");
    return element("span", { class: run }, `${run}: ${parts.join(", ")}`);
  }

  function negative(one, marked) {
    const isIn = (run) => one.by === "both" || one.by === run;
    return element("div", { class: `entry of-${one.by}` },
      one.text === null ? null : shown(one.text, marked),
      element("small", {}, element("bdi", {}, one.id), " · ", standing("first", one.first, isIn("first")), " · ",
        standing("second", one.second, isIn("second"))));
  }

  const titles = { both: "Chosen by both", first: "Only by the first", second: "Only by the second" };

  function group(query, name, marked) {
    const total = query.n_by[name];
    if (!total) return null;
    const entries = query.negatives.filter((one) => one.by === name);
    const more = total - entries.length;
    return element("div", {}, element("h4", { class: name }, `${titles[name]} (${count(total)})`),
      ...entries.map((one) => negative(one, marked)),
      more > 0 ? element("small", {}, `and ${count(more)} more`) : null);
  }

  function positives(query) {
    if (!query.positives.length) return null;
    const more = query.n_positives - query.positives.length;
    return element("div", {}, element("h4", {}, `Positives (${count(Math.max(query.n_positives, query.positives.length))})`),
      ...query.positives.map((one) => element("div", { class: "entry of-positive" }, shown(one.text),
        element("small", {}, element("bdi", {}, one.id), one.in === "both" ? null : ` · only in the ${one.in}`))),
      more > 0 ? element("small", {}, `and ${count(more)} more`) : null);
  }

  function card(query) {
    const marked = new Set(query.text === null ? [] : wordsOf(query.text));
    const heading = element("h3", {}, query.text === null ? element("bdi", {}, query.id) : shown(query.text));
    return element("article", { class: "card differing" }, heading,
      element("small", {}, element("bdi", {}, query.id), ` · ${percent(query.overlap)} in both`),
      positives(query), ...["both", "first", "second"].map((name) => group(query, name, marked)));
  }

  drawSpread();
  drawOverlap();
  document.getElementById("queries")?.append(...data.queries.map(card));
})();
