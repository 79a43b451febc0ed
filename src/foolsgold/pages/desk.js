"use strict";
// The review desk: shows one pair, sends what is decided, and shows the next only when that is on disk.
(() => {
  const { element, shown, inline, wordsOf, number, percent, count } = foolsgold;
  const at = (id) => document.getElementById(id);
  const LABELS = { r: "positive", n: "negative", d: "drop" };
  const SAID = { r: "Relevant", n: "Not relevant", d: "Dropped", s: "Skipped", u: "Undone" };
  const FATES = {
    chosen: "chosen as a negative",
    margin: "dropped: scores too near to the positive",
    absolute_margin: "dropped: scores too near to the positive",
    relative_margin: "dropped: scores too near to the positive",
    max_score: "dropped: scores too high",
    false_negative_probability: "dropped: too likely to be relevant",
    false_negative_rate: "dropped: too likely to be relevant",
    suspected_positive: "suspected to be relevant",
  };
  const MOST_MARKED = 200_000; // characters in which words are looked for
  const FIRST_POSITIVES = 3;
  let state = foolsgold.data;
  let busy = false;

  function say(text, isBad = false) {
    at("message").textContent = text;
    at("message").className = isBad ? "bad" : "muted";
  }

  // A text; of one that was cut, a button that fetches the whole.
  function text(of, part, place, marked) {
    const holder = element("div", {}, shown(of.text, marked));
    if (of.length > [...of.text].length) {
      const more = element("button", { type: "button", class: "more", onclick: () => whole(holder, part, place, marked) },
        `Show all ${count(of.length)} characters`);
      holder.append(more);
    }
    return holder;
  }

  async function whole(holder, part, place, marked) {
    const asked = new URLSearchParams({ number: state.name.number, part, place });
    const answer = await asking(`/text?${asked}`);
    if (answer === null) return;
    if (answer.status === 409) return renew();
    const found = (await answer.json()).text;
    holder.replaceChildren(shown(found, found.length > MOST_MARKED ? new Set() : marked));
  }

  function fact(name, value) {
    return element("span", { class: "fact" }, `${name} `, element("b", {}, value));
  }

  function showPair(pair) {
    const marked = new Set(wordsOf(pair.query.text));
    at("query").replaceChildren(text(pair.query, "query", 0, new Set()));
    const cards = pair.positives.map((of, place) => element("div", { class: "card", tabindex: "0" }, text(of, "positive", place, marked)));
    const more = pair.n_positives - cards.length;
    const rest = cards.splice(FIRST_POSITIVES);
    if (more > 0) rest.push(element("p", { class: "muted" }, `and ${count(more)} more that are not shown`));
    if (rest.length) {
      cards.push(element("details", {}, element("summary", {}, `${count(pair.n_positives - FIRST_POSITIVES)} more`), ...rest));
    }
    if (!pair.n_positives) cards.push(element("p", { class: "muted" }, "None is known."));
    at("positives").replaceChildren(...cards);
    const facts = element("p", { class: "facts" }, element("b", {}, FATES[pair.fate] ?? pair.fate), element("br", {}),
      fact("score", number(pair.score)),
      pair.positive_score === null ? null : fact("positive's score", number(pair.positive_score)),
      fact("rank", pair.rank === null ? "–" : count(pair.rank)),
      fact("probability of being relevant", percent(pair.probability)), fact("found by", inline(pair.source)), element("br", {}),
      "query ", inline(state.name.query_id), ", document ", inline(state.name.doc_id));
    at("document").replaceChildren(element("div", { class: "card" }, text(pair.document, "document", 0, marked)), facts);
  }

  function show() {
    const { progress, pair } = state;
    const decided = Object.values(progress.labels).reduce((sum, value) => sum + value, 0);
    at("count").textContent = `${count(decided)} decided, ${count(progress.to_go)} to go`
      + (progress.put_off ? `, ${count(progress.put_off)} of them skipped` : "");
    at("progress").max = Math.max(1, decided + progress.to_go);
    at("progress").value = decided;
    const rate = progress.rate;
    at("rate").textContent = rate === null ? "" : `false negatives among the chosen: ${percent(rate.ratio)} `
      + `(95%: ${percent(rate.low)} to ${percent(rate.high)}; `
      + `${rate.n_decisions ? `${count(rate.n_decisions)} of them decided` : "by the model alone"})`;
    at("pair").hidden = pair === null;
    at("done").hidden = pair !== null;
    if (pair !== null) showPair(pair);
    for (const key of ["r", "n", "d", "s"]) at(key).disabled = pair === null;
    at("u").disabled = !progress.can_undo;
    window.scrollTo(0, 0);
  }

  // An answer, or null when it was told why there is none.
  async function asking(address, options = {}) {
    let answer;
    try {
      answer = await fetch(address, { ...options, signal: AbortSignal.timeout(20_000) });
    } catch {
      say("The desk does not answer. This pair is kept here, and all decisions before it are on disk. Start the desk again "
        + "(foolsgold review), and open the address that it prints.", true);
      return null;
    }
    if (answer.ok || answer.status === 409) return answer;
    if (answer.status === 403) {
      say("The desk was started again: open the address that it printed. This pair was not decided.", true);
    } else if (answer.status === 507) say(`Not decided: ${(await answer.json()).error}`, true);
    else say(`Not decided: the desk answered ${answer.status}.`, true);
    return null;
  }

  async function renew() {
    const answer = await asking("/state");
    if (answer === null) return;
    state = await answer.json();
    show();
    say("This was decided elsewhere, in another tab perhaps. Here is the pair that comes now.");
  }

  async function act(key) {
    if (busy || at(key).disabled) return;
    busy = true;
    try {
      const address = key in LABELS ? "/decide" : key === "s" ? "/skip" : "/undo";
      const body = JSON.stringify({ ...state.name, ...(key in LABELS ? { label: LABELS[key] } : {}) });
      const answer = await asking(address, { method: "POST", headers: { "content-type": "application/json" }, body });
      if (answer === null) return;
      state = await answer.json();
      show();
      if (answer.status === 409) say("This was decided elsewhere, in another tab perhaps. Here is the pair that comes now.");
      else say(`${SAID[key]}. ${key === "u" ? "Here it is again." : state.pair ? "The next pair:" : ""}`);
    } finally {
      busy = false;
    }
  }

  const about = at("about");
  for (const key of Object.keys(SAID)) at(key).addEventListener("click", () => act(key));
  at("help").addEventListener("click", () => about.showModal());
  at("close").addEventListener("click", () => about.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || about.open) return;
    if (event.key === "?") about.showModal();
    else if (event.key.toLowerCase() in SAID) act(event.key.toLowerCase());
    else return;
    event.preventDefault();
  });
  show();
})();
