// Why a picture matched: for each word of the query, a map over the picture of where the model sees it.

import { get } from "./api.js";
import { element, percent } from "./elements.js";
import { wantedTexts } from "./query.js";

/** The map is computed at this size, and scaled to the picture by the browser. */
const SIZE = 192;

/** The colours of a map by weight, 256 × RGBA. */
const COLOURS = colours();

/** The words of a query, and the maps that they draw over the open picture. */
export class Explanation {
  #section;
  #canvas;
  #request;
  #pinned = null;

  /**
   * @param {HTMLElement} section Where the words are shown.
   * @param {HTMLCanvasElement} canvas Lies over the picture.
   */
  constructor(section, canvas) {
    this.#section = section;
    this.#canvas = canvas;
    canvas.width = SIZE;
    canvas.height = SIZE;
  }

  /**
   * Shows the words for a picture; nothing where the query has no text.
   * @param {number} id
   * @param {string} queryText In the query language.
   */
  async show(id, queryText) {
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    this.#pinned = null;
    this.#hide();
    const texts = wantedTexts(queryText);
    this.#section.hidden = texts.length === 0;
    this.#section.replaceChildren(element("h3", {}, "Why it matched"), element("p", { class: "hint" }, "…"));
    if (!texts.length) return;
    try {
      const answers = await Promise.all(texts.map((text) => get("/api/explain", { picture: id, text }, request.signal)));
      if (request === this.#request) this.#fill(texts, answers);
    } catch (problem) {
      if (request === this.#request) this.#section.lastElementChild.textContent = problem.message;
    }
  }

  /** Hides the map and forgets what was asked for. */
  clear() {
    this.#request?.abort();
    this.#request = null;
    this.#hide();
  }

  #fill(texts, answers) {
    const place = element("p", { class: "place", role: "status" });
    const lines = texts.map((text, index) => {
      const { columns, rows, words, probability } = answers[index];
      const parts = [];
      let end = 0;
      for (const word of words) {
        parts.push(text.slice(end, word.start), this.#word(text.slice(word.start, word.end), { columns, rows, ...word }, place));
        end = word.end;
      }
      parts.push(text.slice(end));
      // Of a single text, the probability is that of the result, which is shown already.
      const figure = probability === undefined || texts.length === 1 ? null : element("span", { class: "figure" }, percent(probability));
      return element("p", { class: "words" }, ...parts, figure);
    });
    const legend = element("p", { class: "legend", "aria-hidden": "true" }, "less", element("span"), "more");
    this.#section.replaceChildren(
      element("h3", {}, "Why it matched"), ...lines,
      element("p", { class: "hint" }, "Point at a word to see where in the picture it was found."), place, legend,
    );
  }

  /** A word: its map is seen while it is pointed at or has the focus, and stays after a click. */
  #word(text, map, place) {
    const show = () => {
      drawMap(this.#canvas, map);
      this.#canvas.classList.add("shown");
      this.#canvas.dataset.word = text;
      place.textContent = `“${text}”: mostly ${region(map)}`;
    };
    const leave = () => {
      if (this.#pinned) this.#pinned.show();
      else this.#hide();
    };
    const button = element("button", {
      type: "button", class: "word", "aria-pressed": "false",
      mouseenter: show, mouseleave: leave, focus: show, blur: leave,
      click: () => {
        const wasPinned = this.#pinned?.button === button;
        this.#pinned?.button.setAttribute("aria-pressed", "false");
        this.#pinned = wasPinned ? null : { button, show };
        button.setAttribute("aria-pressed", !wasPinned);
        if (wasPinned) this.#hide();
        else show();
      },
    }, text);
    return button;
  }

  #hide() {
    this.#canvas.classList.remove("shown");
    delete this.#canvas.dataset.word;
    const place = this.#section.querySelector(".place");
    if (place) place.textContent = "";
  }
}

/**
 * Draws a map of weights, interpolated smoothly.
 * @param {HTMLCanvasElement} canvas
 * @param {{columns: number, rows: number, weights: number[]}} map Weights from 0 to 1, row by row.
 */
export function drawMap(canvas, { columns, rows, weights }) {
  const context = canvas.getContext("2d");
  const { width, height } = canvas;
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  // Interpolates along the columns first, and then along the rows: a cubic is separable.
  const across = samples(columns, width);
  const down = samples(rows, height);
  const wide = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (const { from, factor } of across[x]) sum += weights[row * columns + from] * factor;
      wide[row * width + x] = sum;
    }
  }
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 0;
      for (const { from, factor } of down[y]) sum += wide[from * width + x] * factor;
      pixels[y * width + x] = COLOURS[Math.max(0, Math.min(255, Math.round(sum * 255)))];
    }
  }
  context.putImageData(image, 0, 0);
}

/** For each of `size` pixels, the four cells that it is interpolated from (Catmull–Rom), with their factors. */
function samples(cells, size) {
  return Array.from({ length: size }, (_, pixel) => {
    const position = ((pixel + 0.5) / size) * cells - 0.5;
    const cell = Math.floor(position);
    const t = position - cell;
    const factors = [
      ((2 - t) * t - 1) * t / 2,
      ((3 * t - 5) * t * t + 2) / 2,
      ((4 - 3 * t) * t + 1) * t / 2,
      (t - 1) * t * t / 2,
    ];
    return factors.map((factor, offset) => ({ from: Math.max(0, Math.min(cells - 1, cell + offset - 1)), factor }));
  });
}

/**
 * Colours whose lightness rises evenly with the weight (after matplotlib's inferno), ever more opaque: little
 * weight darkens the picture slightly, much weight glows.
 */
function colours() {
  const stops = [[0, 0, 4], [31, 12, 72], [85, 15, 109], [136, 34, 106], [186, 54, 85], [227, 89, 51], [249, 140, 10], [249, 201, 50], [252, 255, 164]];
  const bytes = new Uint8ClampedArray(256 * 4);
  for (let index = 0; index < 256; index += 1) {
    const weight = index / 255;
    const position = weight * (stops.length - 1);
    const lower = Math.min(stops.length - 2, Math.floor(position));
    const colour = stops[lower].map((value, channel) => value + (stops[lower + 1][channel] - value) * (position - lower));
    bytes.set([...colour, 255 * (0.38 + 0.34 * weight)], index * 4);
  }
  return new Uint32Array(bytes.buffer);
}

/** In words, where in the picture most of the weight is: for those who do not see the map. */
function region({ columns, rows, weights }) {
  let x = 0;
  let y = 0;
  let sum = 0;
  weights.forEach((weight, index) => {
    // Squared, so that a strong spot counts for more than a wide faint area.
    const mass = weight * weight;
    x += mass * ((index % columns) + 0.5);
    y += mass * (Math.floor(index / columns) + 0.5);
    sum += mass;
  });
  if (!sum) return "nowhere";
  const third = (value, names) => names[Math.min(2, Math.floor(value * 3))];
  const vertical = third(y / sum / rows, ["at the top", "", "at the bottom"]);
  const horizontal = third(x / sum / columns, ["on the left", "", "on the right"]);
  return [vertical, horizontal].filter(Boolean).join(" ") || "in the centre";
}
