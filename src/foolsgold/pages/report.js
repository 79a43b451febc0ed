"use strict";
(() => {
  const { data, element, shown, inline, wordsOf, number, percent, count } = foolsgold;
  const { report, examples, documents } = data;
  const GOLD = "var(--gold)", BLUE = "var(--blue)", RED = "var(--red)", GREEN = "var(--green)", MUTED = "var(--muted)";
  const named = (fate) => fate.replaceAll("_", " ");

  // ---- plots -------------------------------------------------------------------------------------------------------

  const style = { background: "none", fontSize: "12px", fontFamily: "inherit" };
  const base = (width) => ({ width, height: Math.min(280, Math.max(200, width * 0.62)), style, marginLeft: 48, marginBottom: 36 });

  function density(histogram, name) {
    const bins = histogram.counts.length, total = d3.sum(histogram.counts);
    const width = (histogram.high - histogram.low) / bins || 1e-9;
    const points = histogram.counts.map((n, place) => ({ name, x: histogram.low + (place + 0.5) * width, y: n / total / width }));
    return [{ name, x: histogram.low, y: 0 }, ...points, { name, x: histogram.high, y: 0 }];
  }

  function scores(width) {
    const kinds = [
      ["random pairs", report.search.random_pairs, MUTED],
      ["negatives", report.distributions.negatives, GOLD],
      ["positives", report.distributions.positives, GREEN],
    ].filter(([, histogram]) => histogram && histogram.counts.length > 1);
    if (!kinds.length) return [null, "No scores are known."];
    const marks = kinds.flatMap(([name, histogram, color]) => [
      Plot.areaY(density(histogram, name), { x: "x", y: "y", fill: color, fillOpacity: 0.18 }),
      Plot.lineY(density(histogram, name), { x: "x", y: "y", stroke: color, strokeWidth: 1.5 }),
    ]);
    const plot = Plot.plot({ ...base(width), x: { label: "score" }, y: { ticks: 0, label: "density" }, marks: [Plot.ruleY([0]), ...marks] });
    return [plot, legend(kinds.map(([name, histogram, color]) => [`${name} (median ${number(histogram.median)})`, color]))];
  }

  function legend(items) {
    const line = element("span");
    for (const [name, color] of items) {
      line.append(element("span", { class: "together" }, element("span", { class: "swatch", style: `background:${color}` }), name), " ");
    }
    return line;
  }

  function byRank(width, what, color, label, rules) {
    const rows = report.by_rank.ranks.filter((row) => row[what]);
    if (!rows.length) return [null, "Nothing is known of this without a model or vectors."];
    const points = rows.map((row) => ({ rank: row.rank, low: row[what][0], middle: row[what][1], high: row[what][2] }));
    const plot = Plot.plot({
      ...base(width), x: { label: "rank" }, y: { label, zero: what === "probability" },
      marks: [
        Plot.areaY(points, { x: "rank", y1: "low", y2: "high", fill: color, fillOpacity: 0.2 }),
        Plot.lineY(points, { x: "rank", y: "middle", stroke: color, strokeWidth: 1.5 }),
        ...rules.map(([value, text, colour]) => [
          Plot.ruleY([value], { stroke: colour, strokeDasharray: "4 3" }),
          Plot.text([text], { x: points[points.length - 1].rank, y: value, textAnchor: "end", dy: -6, fill: colour }),
        ]).flat(),
        Plot.ruleX(points, Plot.pointerX({ x: "rank", stroke: MUTED })),
        Plot.text(points, Plot.pointerX({ px: "rank", py: "middle", frameAnchor: "top", fill: "currentColor",
          text: (point) => `rank ${point.rank}: ${number(point.middle)} (${number(point.low)}–${number(point.high)})` })),
      ],
    });
    return [plot, `Median and quartiles of ${count(report.by_rank.queries)} queries.`];
  }

  function scoreByRank(width) {
    const positive = report.scores.positives_of_chosen_pairs.p50;
    return byRank(width, "score", GOLD, "score", positive === undefined ? [] : [[positive, "positives (median)", GREEN]]);
  }

  function probabilityByRank(width) {
    const rules = report.threshold && report.threshold.by === "probability"
      ? [[report.threshold.value, `threshold ${number(report.threshold.value, 2)}`, BLUE]] : [];
    return byRank(width, "probability", RED, "probability", rules);
  }

  function tradeOff(width) {
    const chosen = { expected_ratio: report.expected_false_negative_ratio, hardness: report.hardness };
    if (!report.trade_offs.length || chosen.expected_ratio === null || chosen.hardness === null) {
      return [null, "False negatives are not estimated without a model or vectors."];
    }
    const found = report.false_negatives, leak = found.leak_test, percents = (ratio) => 100 * ratio;
    const allowedIsNear = found.max_rate !== null && found.max_rate <= 1.5 * d3.max([...report.trade_offs, chosen], (point) => point.expected_ratio);
    const interval = leak.measurable ? [{ from: leak.false_negative_ratio_interval[0], to: leak.false_negative_ratio_interval[1],
      at: leak.false_negative_ratio }] : [];
    const plot = Plot.plot({
      ...base(width), x: { label: "false negatives expected, %", zero: true }, y: { label: "hardness" },
      marks: [
        !allowedIsNear ? null : Plot.ruleX([percents(found.max_rate)], { stroke: MUTED, strokeDasharray: "4 3" }),
        Plot.line(report.trade_offs, { x: (point) => percents(point.expected_ratio), y: "hardness", stroke: GOLD, strokeWidth: 1.5 }),
        Plot.dot(report.trade_offs, { x: (point) => percents(point.expected_ratio), y: "hardness", fill: GOLD, r: 2.5 }),
        Plot.link(interval, { x1: (one) => percents(one.from), x2: (one) => percents(one.to), y1: chosen.hardness, y2: chosen.hardness,
          stroke: BLUE, strokeWidth: 2 }),
        Plot.dot([chosen], { x: (point) => percents(point.expected_ratio), y: "hardness", r: 6, fill: RED, stroke: "var(--ground)" }),
        Plot.tip(report.trade_offs, Plot.pointer({ x: (point) => percents(point.expected_ratio), y: "hardness", fill: "var(--card)",
          title: (point) => `${percent(point.expected_ratio)} false negatives, hardness ${number(point.hardness)}` })),
      ],
    });
    const items = [["other prices of a false negative", GOLD], ["this run", RED]];
    if (leak.measurable) items.push(["measured on hidden positives", BLUE]);
    if (found.max_rate !== null) items.push([`allowed: ${percent(found.max_rate, 0)}${allowedIsNear ? "" : ", off to the right"}`, MUTED]);
    return [plot, legend(items)];
  }

  function fates(width) {
    const all = Object.entries(report.candidates.by_fate).filter(([, n]) => n > 0);
    const total = report.candidates.total;
    if (!total) return [null, "There are no candidates."];
    const chosen = all.filter(([name]) => name === "chosen");
    let left = total;
    const steps = [{ name: "candidates", from: 0, to: total, n: total, color: "var(--bar)" }];
    for (const [name, n] of all.filter(([fate]) => fate !== "chosen")) {
      steps.push({ name: named(name), from: left - n, to: left, n, color: name === "not_needed" ? MUTED : RED });
      left -= n;
    }
    for (const [name, n] of chosen) steps.push({ name: named(name), from: 0, to: n, n, color: GOLD });
    const plot = Plot.plot({
      width, height: 34 + 26 * steps.length, style, marginLeft: 130, marginRight: 126, marginBottom: 30,
      x: { label: null, axis: width < 450 ? null : "bottom", ticks: 4, tickFormat: d3.format("~s"), domain: [0, total] }, y: { domain: steps.map((step) => step.name), label: null },
      marks: [
        Plot.barX(steps, { x1: 0, x2: "from", y: "name", fill: "var(--bar)", inset: 3 }),
        Plot.barX(steps, { x1: "from", x2: "to", y: "name", fill: "color", stroke: "color", insetTop: 3, insetBottom: 3 }),
        Plot.text(steps, { x: total, y: "name", text: (step) => `${count(step.n)} (${percent(step.n / total)})`, fill: "currentColor",
          textAnchor: "start", dx: 8 }),
      ],
    });
    return [plot, "Each row takes away what one rule dropped; what is left at the end was chosen. A candidate of several positives counts once."];
  }

  function hubs(width) {
    const found = report.documents;
    const rows = Object.entries(found.by_times_chosen).map(([times, n]) => ({ times: Number(times), n }));
    if (!rows.length) return [null, "Nothing was chosen."];
    const most = d3.max(rows, (row) => row.times);
    const edges = most <= 30 ? d3.range(1, most + 2) : d3.ticks(0, most + 1, 30).filter((edge) => edge >= 1 && Number.isInteger(edge));
    if (edges[0] !== 1) edges.unshift(1);
    if (edges[edges.length - 1] <= most) edges.push(most + 1);
    const bins = d3.pairs(edges).map(([from, to]) => ({ from, to, n: d3.sum(rows, (row) => (row.times >= from && row.times < to ? row.n : 0)) }));
    const plot = Plot.plot({
      ...base(width), x: { label: "times chosen" }, y: { label: "documents", type: "symlog", ticks: [0, 1, 10, 100, 1e3, 1e4, 1e5, 1e6].filter((tick) => tick <= d3.max(bins, (bin) => bin.n)),
        tickFormat: d3.format("~s") },
      marks: [
        Plot.rectY(bins, { x1: (bin) => bin.from - 0.5, x2: (bin) => bin.to - 0.5, y1: 0, y2: "n", fill: GOLD, insetLeft: 0.5, insetRight: 0.5 }),
        Plot.ruleY([0]),
        Plot.tip(bins, Plot.pointerX({ x: (bin) => (bin.from + bin.to - 1) / 2, y: "n", fill: "var(--card)", title: (bin) =>
          `${count(bin.n)} documents chosen ${bin.to - bin.from === 1 ? bin.from : `${bin.from} to ${bin.to - 1}`} times` })),
      ],
    });
    const never = report.collection.documents - found.chosen;
    return [plot, `The top 1% of all documents (${count(found.top_percent)}) supply ${percent(found.top_percent_ratio)} of the negatives; ` +
      `${count(never)} of ${count(report.collection.documents)} documents were never chosen. The axis is logarithmic.`];
  }

  const figures = { scores, "trade-off": tradeOff, "score-by-rank": scoreByRank, "probability-by-rank": probabilityByRank, fates, hubs };

  function draw() {
    for (const [id, make] of Object.entries(figures)) {
      const figure = document.getElementById(id), holder = figure.querySelector(".plot");
      const [plot, caption] = make(Math.max(260, Math.floor(holder.clientWidth)));
      holder.replaceChildren(...(plot ? [plot] : []));
      figure.querySelector("figcaption").replaceChildren(caption);
    }
  }

  let drawnAt = 0;
  new ResizeObserver(() => {
    const width = document.querySelector(".figures").clientWidth;
    if (width !== drawnAt) { drawnAt = width; draw(); }
  }).observe(document.querySelector(".figures"));

  const most = document.getElementById("most-chosen");
  most.hidden = !report.documents.most_chosen.length;
  report.documents.most_chosen.forEach((one, place) => most.querySelector("div").append(beside(
    [["what", `${count(one.negatives)} times`], ["", inline(one.doc_id)]], shown(data.hubs[place]))));

  // ---- examples ----------------------------------------------------------------------------------------------------

  const KINDS = { all: "all", hardest: "hardest", easiest: "easiest", nearest: "nearest to the threshold", suspected: "with suspected positives" };
  const ORDERS = {
    picked: ["as picked", () => 0],
    hardest: ["hardness, highest first", (a, b) => d3.descending(a.hardness ?? -Infinity, b.hardness ?? -Infinity)],
    easiest: ["hardness, lowest first", (a, b) => d3.ascending(a.hardness ?? Infinity, b.hardness ?? Infinity)],
    probable: ["probability of a false negative", (a, b) => d3.descending(a.most_probable ?? -1, b.most_probable ?? -1)],
    query: ["query", (a, b) => d3.ascending(a.query, b.query)],
  };
  const AT_ONCE = 10;

  // Words that stand in many texts say little: those are not marked.
  const frequency = new Map();
  documents.forEach((one) => new Set(wordsOf(one.text)).forEach((word) => frequency.set(word, (frequency.get(word) ?? 0) + 1)));
  const telling = (word) => (frequency.get(word) ?? 0) <= Math.max(3, 0.25 * documents.length);
  examples.forEach((example) => {
    const texts = [example.query, example.query_id];
    for (const one of [...example.positives, ...example.candidates]) texts.push(documents[one.document].text, documents[one.document].id);
    example.searched = texts.join("\n").toLowerCase();
  });

  function beside(about, text) {
    const side = element("div", { class: "about" }, ...about.map(([kind, line]) => element("div", { class: kind }, line)));
    return element("div", { class: "beside" }, side, text);
  }

  function aboutCandidate(one) {
    const numbers = [one.rank === null ? null : `rank ${one.rank}`, one.score === null ? null : `score ${number(one.score)}`,
      one.probability === null ? null : `p ${number(one.probability, 2)}`].filter(Boolean).join(" · ");
    const color = one.fate === "chosen" ? "gold" : one.fate.startsWith("known") ? "good" : "";
    return [[`what ${color}`, named(one.fate)], ["", numbers], ["", inline(`${one.source} · ${documents[one.document].id}`)]];
  }

  function card(example) {
    const marked = new Set(wordsOf(example.query).filter(telling));
    const query = shown(example.query);
    query.classList.add("query");
    const more = example.n_positives - example.positives.length;
    return element("article", { class: "card" }, query,
      element("div", { class: "tags" }, inline(example.query_id), ` · ${example.kinds.map((kind) => KINDS[kind]).join(", ")} · hardness ` +
        `${number(example.hardness)} · ${count(example.n_chosen)} negatives of ${count(example.n_candidates)} candidates` + (more > 0 ? ` · ${count(more)} more positives` : "")),
      ...example.positives.map((one) => beside([["what good", "positive"], ["", one.score === null ? "" : `score ${number(one.score)}`],
        ["", inline(documents[one.document].id)]], shown(documents[one.document].text, marked))),
      ...example.candidates.map((one) => beside(aboutCandidate(one), shown(documents[one.document].text, marked))));
  }

  const search = document.getElementById("search"), kind = document.getElementById("kind"), order = document.getElementById("order");
  const holder = document.getElementById("examples"), more = document.getElementById("more"), found = document.getElementById("found");
  for (const [value, label] of Object.entries(KINDS)) {
    const n = value === "all" ? examples.length : examples.filter((example) => example.kinds.includes(value)).length;
    if (n) kind.append(element("option", { value }, `${label} (${n})`));
  }
  for (const [value, [label]] of Object.entries(ORDERS)) order.append(element("option", { value }, label));
  let matching = [], shownSoFar = 0;

  function showMore() {
    holder.append(...matching.slice(shownSoFar, shownSoFar + AT_ONCE).map(card));
    shownSoFar = Math.min(matching.length, shownSoFar + AT_ONCE);
    more.hidden = shownSoFar >= matching.length;
    found.textContent = `${matching.length} found` + (more.hidden ? "" : `, ${shownSoFar} shown`);
  }

  function look() {
    const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    matching = examples.filter((example) => (kind.value === "all" || example.kinds.includes(kind.value)) &&
      terms.every((term) => example.searched.includes(term)));
    matching.sort(ORDERS[order.value][1]);
    holder.replaceChildren();
    shownSoFar = 0;
    showMore();
  }

  search.addEventListener("input", look);
  kind.addEventListener("change", look);
  order.addEventListener("change", look);
  more.addEventListener("click", showMore);
  look();
})();
