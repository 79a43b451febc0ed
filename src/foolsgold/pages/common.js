"use strict";
// What all pages share: their data, elements made of text (never of markup), and texts shown as they are.
const foolsgold = (() => {
  const data = JSON.parse(document.getElementById("data").textContent);

  // An element with attributes and children; a string becomes text, whatever stands in it.
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }

  // Control characters and marks that turn the direction of writing, by their code, so that a reader sees them.
  const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu;
  const words = typeof Intl.Segmenter === "function" ? new Intl.Segmenter(undefined, { granularity: "word" }) : null;

  function segments(text) {
    if (words) return [...words.segment(text)].map((part) => [part.segment, part.isWordLike]);
    return text.split(/([\p{L}\p{N}]+)/u).map((part, place) => [part, place % 2 === 1]);
  }

  // The words of a text, in small letters.
  function wordsOf(text) {
    return segments(text).filter(([, isWord]) => isWord).map(([word]) => word.toLowerCase());
  }

  function plain(text) {
    const parts = [];
    let from = 0;
    for (const found of text.matchAll(unseen)) {
      if (found.index > from) parts.push(text.slice(from, found.index));
      const code = found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
      parts.push(element("span", { class: "unseen", title: "a character that is not seen" }, `⟨U+${code}⟩`));
      from = found.index + found[0].length;
    }
    if (from < text.length) parts.push(text.slice(from));
    return parts;
  }

  // A text in its own direction, with the words of a set marked.
  function shown(text, marked = new Set()) {
    const holder = element("div", { class: "text", dir: "auto" });
    let run = "";
    for (const [part, isWord] of marked.size ? segments(text) : [[text, false]]) {
      if (isWord && marked.has(part.toLowerCase())) {
        holder.append(...plain(run), element("mark", {}, part));
        run = "";
      } else run += part;
    }
    holder.append(...plain(run));
    return holder;
  }

  // The same within a line, such as an id.
  const inline = (text) => element("bdi", {}, ...plain(text));

  const number = (value, digits = 3) => (value === null || value === undefined ? "–" : value.toFixed(digits));
  const percent = (ratio, digits = 1) => (ratio === null || ratio === undefined ? "–" : `${(100 * ratio).toFixed(digits)}%`);
  const count = (value) => value.toLocaleString("en-US");

  return { data, element, shown, inline, wordsOf, number, percent, count };
})();
