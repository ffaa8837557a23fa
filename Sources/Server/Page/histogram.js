// The date filter: how many pictures there are of each month, and a range of months.

import { element, formatted } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 320;
const HEIGHT = 72;
/** With more months than this, the bars are years. */
const MAXIMUM_MONTHS = 132;

/** The menu with the histogram. The bars are for the pointer; the two fields say the same for everyone. */
export class Histogram {
  #svg = document.createElementNS(SVG, "svg");
  #span = element("p", { class: "span" });
  #from;
  #to;
  #change;
  /** @type {{period: string, pictures: number}[]} Months or years without a gap. */
  #bars = [];
  #range = { since: undefined, until: undefined };

  /**
   * @param {HTMLElement} menu
   * @param {(name: string, value: string, isSet: boolean) => void} change
   */
  constructor(menu, change) {
    this.#change = change;
    this.#from = this.#field("From", "since");
    this.#to = this.#field("To", "until");
    this.#svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.#svg.setAttribute("class", "histogram");
    this.#svg.setAttribute("aria-hidden", "true");
    this.#listen();
    menu.append(
      this.#svg, this.#span,
      element("div", { class: "range" }, this.#from.parentElement, this.#to.parentElement),
    );
  }

  /** @param {{month: string, pictures: number}[]} months Sorted. */
  fill(months) {
    this.#bars = bars(months);
    const most = Math.max(1, ...this.#bars.map(({ pictures }) => pictures));
    const step = WIDTH / Math.max(1, this.#bars.length);
    this.#svg.replaceChildren(...this.#bars.map(({ period, pictures }, index) => {
      // The square root, so that a month of few pictures is seen beside one of many.
      const height = pictures ? Math.max(2, Math.sqrt(pictures / most) * HEIGHT) : 0;
      const bar = document.createElementNS(SVG, "rect");
      const title = document.createElementNS(SVG, "title");
      title.textContent = `${period}: ${formatted(pictures)}`;
      bar.append(title);
      const size = { x: index * step, y: HEIGHT - height, width: Math.max(1, step - (step > 3 ? 1 : 0)), height };
      for (const [name, value] of Object.entries(size)) bar.setAttribute(name, value.toFixed(2));
      return bar;
    }));
    this.#mark();
  }

  /**
   * Shows a range that is set.
   * @param {string} [since]
   * @param {string} [until]
   */
  show(since, until) {
    this.#range = { since, until };
    this.#from.value = since ? (since.length === 4 ? `${since}-01` : since.slice(0, 7)) : "";
    this.#to.value = until ? (until.length === 4 ? `${until}-12` : until.slice(0, 7)) : "";
    this.#mark();
  }

  /** Colours the bars in the range; dates are compared as text, up to the shorter one's precision. */
  #mark(range = this.#range) {
    const { since, until } = range;
    this.#bars.forEach(({ period }, index) => {
      const isIn = (!since || period >= since.slice(0, period.length)) && (!until || period <= until.slice(0, period.length));
      this.#svg.children[index].classList.toggle("in", isIn);
    });
    const first = since ?? this.#bars[0]?.period ?? "";
    const last = until ?? this.#bars.at(-1)?.period ?? "";
    this.#span.textContent = first === last ? first : `${first} to ${last}`;
  }

  /** A range is dragged over the bars, or one bar clicked. */
  #listen() {
    let start = -1;
    const barAt = (event) => {
      const { left, width } = this.#svg.getBoundingClientRect();
      const index = Math.floor(((event.clientX - left) / width) * this.#bars.length);
      return Math.min(this.#bars.length - 1, Math.max(0, index));
    };
    const range = (event) => {
      const [first, last] = [start, barAt(event)].sort((one, other) => one - other);
      return { since: this.#bars[first].period, until: this.#bars[last].period };
    };
    this.#svg.addEventListener("pointerdown", (event) => {
      if (!this.#bars.length) return;
      start = barAt(event);
      this.#svg.setPointerCapture(event.pointerId);
      this.#mark(range(event));
    });
    this.#svg.addEventListener("pointermove", (event) => {
      if (start >= 0) this.#mark(range(event));
    });
    this.#svg.addEventListener("pointerup", (event) => {
      if (start < 0) return;
      const { since, until } = range(event);
      start = -1;
      this.#change("range", `${since}/${until}`, true);
    });
    this.#svg.addEventListener("pointercancel", () => {
      start = -1;
      this.#mark();
    });
  }

  #field(label, name) {
    const input = element("input", {
      type: "month", placeholder: "2024-05", pattern: "\\d{4}(-\\d{2})?",
      change: () => {
        if (input.checkValidity()) this.#change(name, input.value, input.value !== "");
      },
    });
    element("label", {}, label, input);
    return input;
  }
}

/** Every month from the first to the last, also those without pictures; years where the months are too many. */
function bars(months) {
  if (!months.length) return [];
  const number = (month) => Number(month.slice(0, 4)) * 12 + Number(month.slice(5, 7)) - 1;
  const first = number(months[0].month);
  const last = number(months.at(-1).month);
  const isYears = last - first >= MAXIMUM_MONTHS;
  const period = (month) => {
    const year = String(Math.floor(month / 12)).padStart(4, "0");
    return isYears ? year : `${year}-${String((month % 12) + 1).padStart(2, "0")}`;
  };
  const counts = new Map();
  for (let month = first; month <= last; month += 1) counts.set(period(month), 0);
  for (const { month, pictures } of months) {
    const key = period(number(month));
    counts.set(key, counts.get(key) + pictures);
  }
  return [...counts].map(([key, pictures]) => ({ period: key, pictures }));
}
