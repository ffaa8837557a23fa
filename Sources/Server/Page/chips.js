// Chips: what a query consists of besides its text, each removable.

import { element, icon, thumbnail } from "./elements.js";

const LABELS = {
  under: (value) => `in ${value}`,
  not_under: (value) => `not in ${value}`,
  since: (value) => `from ${value}`,
  until: (value) => `to ${value}`,
  camera: (value) => value,
  near: (value) => `near ${value}`,
  within: (value) => `within ${value} km`,
  type: (value) => value.toUpperCase(),
  shape: (value) => value,
  has: (value) => ({ captions: "with captions", location: "with a location", date: "with a date" })[value] ?? `with ${value}`,
};

const SIGNS = { like: "plus", unlike: "minus", upload: "plus" };

/**
 * What a filter says, in words.
 * @param {{name: string, value: string}} filter
 * @returns {string} "in trips/alps"
 */
export const filterLabel = ({ name, value }) => LABELS[name](value);

/**
 * Shows the filters of a query as chips.
 * @param {HTMLElement} list
 * @param {import("./query.js").Query} query
 * @param {(query: import("./query.js").Query) => void} change Called with the query without a filter.
 */
export function showFilterChips(list, query, change) {
  const chips = query.filters.map((filter) => chip(filterLabel(filter), "filter", [filterLabel(filter)], () =>
    change(query.without(filter.name, filter.value))));
  if (chips.length > 1) {
    const clear = element("button", { type: "button", class: "clear", click: () => change(query.withoutFilters) }, "Clear all");
    chips.push(element("li", {}, clear));
  }
  replace(list, chips);
}

/**
 * Shows the pictures of a query as chips, with their signs.
 * @param {HTMLElement} list
 * @param {import("./query.js").Query} query
 * @param {Map<string, string>} previews Addresses of the uploaded pictures of this session, by token.
 * @param {(query: import("./query.js").Query) => void} change Called with the query without a picture.
 */
export function showPictureChips(list, query, previews, change) {
  replace(list, query.pictures.map(({ name, value }) => {
    const source = name === "upload" ? previews.get(value) : thumbnail(value);
    const label = { like: `like picture ${value}`, unlike: `unlike picture ${value}`, upload: "like your picture" }[name];
    const content = [icon(SIGNS[name]), source ? element("img", { src: source, alt: "", width: 28, height: 28 }) : icon("picture")];
    return chip(label, `picture ${name}`, content, () => change(query.without(name, value)));
  }));
}

/** A chip is one button: what it removes is its label. */
function chip(label, kind, content, remove) {
  const button = element(
    "button",
    { type: "button", class: `chip ${kind}`, "aria-label": `Remove: ${label}`, title: `Remove: ${label}`, click: remove },
    ...content,
    icon("close"),
  );
  return element("li", {}, button);
}

/** Replaces the chips; the focus stays at its position, since removing one chip is often followed by the next. */
function replace(list, chips) {
  const position = [...list.children].findIndex((child) => child.contains(document.activeElement));
  list.replaceChildren(...chips);
  list.hidden = chips.length === 0;
  if (position < 0) return;
  const next = list.children[Math.min(position, chips.length - 1)]?.querySelector("button");
  (next ?? document.getElementById("text")).focus({ preventScroll: true });
}
