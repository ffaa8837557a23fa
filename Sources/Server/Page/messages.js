// What is shown in place of results: the start page, that nothing was found, and that something went wrong.

import { get } from "./api.js";
import { filterLabel } from "./chips.js";
import { counted, element } from "./elements.js";
import { Query } from "./query.js";

const EXAMPLES = [
  ["a dog in the snow", "Describe what the picture shows"],
  ["a beach - people", "What it should not show"],
  ["a red car + at night", "Several things at once"],
  ["people + 1.5*dancing", "Some more than others"],
];

/** The message area. */
export class Messages {
  #area;
  #search;
  #timer = 0;

  /**
   * @param {HTMLElement} area
   * @param {(query: Query) => void} search
   */
  constructor(area, search) {
    this.#area = area;
    this.#search = search;
  }

  /** Removes the message. */
  clear() {
    clearTimeout(this.#timer);
    this.#area.hidden = true;
    this.#area.replaceChildren();
  }

  /**
   * The start page.
   * @param {Query} query With filters perhaps, without terms.
   * @param {Object} [statistics]
   */
  showStart(query, statistics) {
    const pictures = statistics && counted(statistics.pictures, "picture");
    const title = statistics?.pictures === 0 ? "This index has no pictures yet" : `Search ${pictures ?? "pictures"}`;
    if (this.#area.className === "start" && !this.#area.hidden && this.#area.dataset.filters === String(query)) {
      // Only the number has changed, while pictures are being indexed; what has the focus stays.
      this.#area.querySelector("h2").textContent = title;
      return;
    }
    this.#area.dataset.filters = query;
    const note = query.filters.length
      ? `Only pictures ${query.filters.map(filterLabel).join(", ")} will be searched.`
      : "Type what a picture shows, or drop, paste or choose a picture to find similar ones.";
    const examples = EXAMPLES.map(([text, meaning]) =>
      element("li", {}, element("button", { type: "button", click: () => this.#search(query.with("q", text)) },
        element("span", { class: "example" }, text), element("span", { class: "meaning" }, meaning))));
    this.#show("start", element("h2", {}, title), element("p", {}, note),
      statistics?.pictures !== 0 && element("ul", { class: "examples", "aria-label": "Examples" }, ...examples),
      keys());
  }

  /**
   * Says that nothing was found, and which filter is the reason.
   * @param {Query} query
   * @param {AbortSignal} signal
   */
  async showNothing(query, signal) {
    const { filters } = query;
    const hint = element("p", {}, filters.length ? "Looking for the filter that leaves nothing…" : "Try other or fewer words.");
    this.#show("nothing", element("h2", {}, "Nothing found"), hint);
    if (!filters.length) return;
    const without = filters.map((filter) => ({ filter, query: query.without(filter.name, filter.value) }));
    let helpful;
    try {
      const found = await Promise.all(without.map((other) => hasResults(other.query, signal)));
      helpful = without.filter((_, index) => found[index]);
    } catch {
      helpful = [];
    }
    if (signal.aborted) return;
    const single = filters.length === 1;
    hint.textContent = helpful.length
      ? `${helpful.length === 1 ? "This filter leaves" : "Each of these filters leaves"} nothing:`
      : single ? "Without the filter there is nothing either." : "No single filter is the reason.";
    const remove = helpful.map(({ filter, query: other }) =>
      element("button", { type: "button", click: () => this.#search(other) }, `Remove “${filterLabel(filter)}”`));
    if (!single) {
      remove.push(element("button", { type: "button", click: () => this.#search(query.withoutFilters) }, "Remove all filters"));
    }
    this.#area.append(element("p", { class: "choices" }, ...remove));
  }

  /**
   * Says what went wrong. Where trying again may help, this happens by itself after a while.
   * @param {import("./api.js").Problem} problem
   * @param {() => void} [retry] Without it, the message can only be closed.
   */
  showProblem(problem, retry) {
    const isAway = problem.status === 0;
    const isBusy = problem.status === 503 || problem.status === 429;
    const title = isAway ? "The server does not answer"
      : isBusy ? "The server is busy" : "That did not work";
    const text = isAway ? "Is blip serve running?" : problem.message;
    const countdown = element("span", { "aria-hidden": "true" });
    this.#show("problem", element("h2", {}, title), element("p", {}, text, " ", countdown),
      element("p", { class: "choices" },
        element("button", { type: "button", click: retry ?? (() => this.clear()) }, retry ? "Try again" : "Close")));
    if (retry && (isAway || isBusy)) this.#countDown(problem.retryAfter ?? 5, countdown, retry);
  }

  #countDown(seconds, text, retry) {
    if (seconds <= 0) {
      retry();
      return;
    }
    text.textContent = `Trying again in ${seconds} s.`;
    this.#timer = setTimeout(() => this.#countDown(seconds - 1, text, retry), 1000);
  }

  #show(kind, ...content) {
    clearTimeout(this.#timer);
    this.#area.className = kind;
    this.#area.hidden = false;
    this.#area.replaceChildren(...content.filter(Boolean));
  }
}

/** What keys do; not shown where there is no keyboard. */
function keys() {
  const all = [["/", "search"], ["↓", "to the pictures"], ["Enter", "open"], ["+", "more like this"], ["−", "less like this"]];
  return element("p", { class: "keys" }, ...all.map(([key, meaning]) =>
    element("span", {}, element("kbd", {}, key), ` ${meaning}`)));
}

async function hasResults(query, signal) {
  const parameters = query.parameters;
  parameters.set("limit", "1");
  const { results } = await get("/api/search", parameters, signal);
  return results.length > 0;
}
