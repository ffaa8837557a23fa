// Small helpers that build DOM elements, and texts that several modules format the same way.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an element. A property that is a function becomes a listener of the event of that name; `true` is an
 * empty attribute; false, null and undefined are left out; anything else is an attribute.
 * @param {string} tag
 * @param {Object<string, any>} [properties]
 * @param {...(Node|string|null|undefined|false)} children Empty ones are left out.
 * @returns {HTMLElement}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child || child === 0));
  return made;
}

/**
 * An icon from the symbols in index.html; hidden from screen readers, so what holds it needs a label.
 * @param {string} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button with an icon and no visible text.
 * @param {string} iconName
 * @param {string} label Its accessible name and tooltip.
 * @param {Object<string, any>} properties As those of `element`.
 * @returns {HTMLElement}
 */
export function iconButton(iconName, label, properties) {
  return element("button", { type: "button", "aria-label": label, title: label, ...properties }, icon(iconName));
}

/**
 * The element with an id; all of them are in index.html.
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => document.getElementById(id);

const numbers = new Intl.NumberFormat("en");

/**
 * @param {number} count
 * @returns {string} "1,200"
 */
export const formatted = (count) => numbers.format(count);

/**
 * @param {number} count
 * @param {string} noun In the singular.
 * @returns {string} "1 picture", "1,200 pictures"
 */
export const counted = (count, noun) => `${formatted(count)} ${noun}${count === 1 ? "" : "s"}`;

/**
 * A probability in whole percent. 0 % and 100 % are never claimed.
 * @param {number} probability
 * @returns {string} "83 %"
 */
export function percent(probability) {
  if (probability < 0.01) return "<1\u00a0%";
  return `${Math.min(99, Math.round(probability * 100))}\u00a0%`;
}

/**
 * @param {string} path
 * @returns {string} What follows the last slash.
 */
export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);

/**
 * @param {string} path
 * @returns {string} What precedes the last slash; empty where there is none.
 */
export const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf("/")));

/**
 * @param {number|string} id
 * @param {number} [size] The longest side; 320 unless given.
 * @returns {string} The address of a thumbnail.
 */
export const thumbnail = (id, size) => `/api/pictures/${id}/thumbnail${size ? `?size=${size}` : ""}`;
