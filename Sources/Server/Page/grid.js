// The results as a justified grid. Only the rows near the viewport are in the DOM, so that 10,000 results cost
// no more than a hundred; a picture keeps its element when the order changes, so that nothing flickers.

import { element, fileName, iconButton, percent, thumbnail } from "./elements.js";
import { Layout } from "./layout.js";

/** How far beyond the viewport rows are kept, in viewport heights. */
const MARGIN = 1;
/** Moving a node keeps its focus and its animation, where the browser can. */
const place = Element.prototype.moveBefore ? "moveBefore" : "insertBefore";

/**
 * What the grid keeps of a hit; the rest is asked for when a picture is opened.
 * @param {Object} hit As the API answers it.
 */
export function lightHit(hit) {
  return {
    id: hit.id,
    path: hit.path ?? hit.location ?? `picture ${hit.id}`,
    width: hit.width,
    height: hit.height,
    probability: hit.probability ?? hit.match_probability,
    improbable: hit.improbable,
    caption: hit.captions?.[0],
    foundIn: hit.matched_in?.join(", "),
    alike: hit.alike?.map((picture) => picture.id),
  };
}

/** The grid of results. */
export class Grid {
  /** @type {ReturnType<typeof lightHit>[]} */
  hits = [];
  #list;
  #actions;
  #tiles = new Map();
  #layout = new Layout([], 1);
  #active = 0;
  #isComplete = true;
  #frame = 0;

  /**
   * @param {HTMLElement} list
   * @param {Object} actions
   * @param {(id: number) => string} actions.address The address of an opened picture.
   * @param {(id: number) => void} actions.open
   * @param {(name: "like"|"unlike"|"similar", id: number) => void} actions.push Changes the query.
   * @param {(name: "like"|"unlike", id: number) => boolean} actions.isPushed
   * @param {() => void} actions.more Asks for the next page.
   */
  constructor(list, actions) {
    this.#list = list;
    this.#actions = actions;
    list.addEventListener("click", (event) => this.#click(event));
    list.addEventListener("keydown", (event) => this.#key(event));
    list.addEventListener("focusin", (event) => this.#focused(event));
    addEventListener("scroll", () => this.#schedule(), { passive: true });
    new ResizeObserver(() => this.#resize()).observe(list);
  }

  /**
   * Shows hits in this order. Elements of pictures that were shown before are moved.
   * @param {Object[]} hits Light hits.
   * @param {Object} options
   * @param {boolean} options.isComplete Whether no more follow.
   * @param {boolean} [options.isAnimated] Whether pictures are seen moving to their new places.
   */
  show(hits, { isComplete, isAnimated = false }) {
    const active = this.hits[this.#active]?.id;
    this.hits = hits;
    this.#isComplete = isComplete;
    this.#active = Math.max(0, hits.findIndex((hit) => hit.id === active));
    this.#list.hidden = hits.length === 0;
    this.#list.classList.toggle("moving", isAnimated);
    this.#arrange();
  }

  /** Draws the tiles again, after the query has changed what their buttons say. */
  refresh() {
    for (const [id, tile] of this.#tiles) this.#mark(tile, id);
  }

  /**
   * @param {number} id
   * @returns {number} The position of a picture, -1 if it is not among the results.
   */
  position(id) {
    return this.hits.findIndex((hit) => hit.id === id);
  }

  /**
   * Moves the focus to a picture, and the picture into view.
   * @param {number} [index] The picture that had it last unless given.
   */
  focus(index = this.#active) {
    if (!this.hits[index]) return;
    this.#active = index;
    const box = this.#layout.box(index);
    const edge = this.#offset() + box.top;
    const header = document.querySelector("header").offsetHeight + 8;
    if (edge < scrollY + header) scrollTo({ top: edge - header });
    else if (edge + box.height + 8 > scrollY + innerHeight) {
      scrollTo({ top: Math.max(0, edge + box.height + 8 - innerHeight) });
    }
    this.#render();
    this.#tiles.get(this.hits[index].id).querySelector("a").focus({ preventScroll: true });
  }

  #resize() {
    const width = this.#list.clientWidth;
    if (width && width !== this.#layout.width) this.#arrange();
  }

  #arrange() {
    const width = this.#list.clientWidth;
    if (!width && this.hits.length) return;
    this.#layout = new Layout(this.hits, width);
    this.#list.style.height = `${this.#layout.height}px`;
    this.#render();
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  #offset() {
    return this.#list.getBoundingClientRect().top + scrollY;
  }

  /** Puts exactly the tiles near the viewport into the DOM, in reading order. */
  #render() {
    const above = scrollY - this.#offset();
    const { first, end } = this.#layout.range(above - innerHeight * MARGIN, above + innerHeight * (1 + MARGIN));
    const shown = [];
    // The active picture stays, however far away, so that the focus and Tab do not get lost.
    if (this.#active < first && this.hits.length) shown.push(this.#active);
    for (let index = first; index < end; index += 1) shown.push(index);
    if (this.#active >= end && this.hits.length) shown.push(this.#active);

    const focused = this.#list.contains(document.activeElement) && document.activeElement;
    const kept = new Set(shown.map((index) => this.hits[index].id));
    for (const [id, tile] of this.#tiles) {
      if (!kept.has(id)) {
        tile.remove();
        this.#tiles.delete(id);
      }
    }
    let next = this.#list.firstElementChild;
    for (const index of shown) {
      const tile = this.#tile(index);
      if (tile === next) next = next.nextElementSibling;
      else this.#list[tile.isConnected ? place : "insertBefore"](tile, next);
    }
    // A browser that cannot move nodes takes the focus from those that are inserted again.
    if (focused && document.activeElement !== focused) {
      const target = focused.isConnected ? focused : this.#list.querySelector("[tabindex='0']");
      target?.focus({ preventScroll: true });
    }
    if (!this.#isComplete && above + innerHeight * 3 > this.#layout.height) this.#actions.more();
  }

  /** The element of the picture at a position, in its place. */
  #tile(index) {
    const hit = this.hits[index];
    let tile = this.#tiles.get(hit.id);
    if (!tile) {
      tile = makeTile(hit, this.#actions.address(hit.id));
      this.#tiles.set(hit.id, tile);
      this.#mark(tile, hit.id);
    } else if (tile.hit !== hit) {
      describe(tile, hit);
    }
    const { left, top, width, height } = this.#layout.box(index);
    const position = `${left} ${top} ${width} ${height}`;
    if (tile.position !== position) {
      tile.position = position;
      tile.style.transform = `translate(${left}px, ${top}px)`;
      tile.style.width = `${width}px`;
      tile.style.height = `${height}px`;
    }
    tile.setAttribute("aria-posinset", index + 1);
    tile.setAttribute("aria-setsize", this.#isComplete ? this.hits.length : -1);
    for (const control of tile.controls) control.tabIndex = index === this.#active ? 0 : -1;
    return tile;
  }

  #mark(tile, id) {
    tile.controls[0].href = this.#actions.address(id);
    for (const button of tile.controls.slice(1, 3)) {
      button.setAttribute("aria-pressed", this.#actions.isPushed(button.dataset.action, id));
    }
  }

  #click(event) {
    const tile = event.target.closest(".tile");
    const action = event.target.closest("[data-action]");
    const link = event.target.closest("a");
    if (action) this.#actions.push(action.dataset.action, tile.hit.id);
    else if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      this.#actions.open(tile.hit.id);
    }
  }

  #focused(event) {
    const tile = event.target.closest(".tile");
    const index = tile ? this.position(tile.hit.id) : -1;
    if (index < 0 || index === this.#active) return;
    this.#active = index;
    this.#render();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const onPicture = event.target.matches("a");
    const hit = this.hits[this.#active];
    const pushed = { "+": "like", "-": "unlike", m: "similar" }[event.key];
    if (event.key.startsWith("Arrow")) this.#move(this.#layout.neighbour(this.#active, event.key));
    else if (event.key === "Home") this.#move(0);
    else if (event.key === "End") this.#move(this.hits.length - 1);
    else if (event.key === " " && onPicture) this.#actions.open(hit.id);
    else if (pushed && onPicture) this.#actions.push(pushed, hit.id);
    else return;
    event.preventDefault();
  }

  #move(index) {
    if (index !== this.#active) this.focus(index);
    // At the end of what is loaded: the next key press finds more.
    if (index === this.hits.length - 1 && !this.#isComplete) this.#actions.more();
  }
}

function makeTile(hit, address) {
  const link = element(
    "a",
    { href: address, draggable: "false" },
    element("img", {
      src: thumbnail(hit.id), alt: "", width: hit.width, height: hit.height,
      loading: "lazy", decoding: "async", draggable: "false",
    }),
  );
  const buttons = [
    iconButton("plus", "More like this (add to the query)", { "data-action": "like" }),
    iconButton("minus", "Less like this (add to the query)", { "data-action": "unlike" }),
    iconButton("similar", "Search for similar pictures", { "data-action": "similar" }),
  ];
  const tile = element("li", { class: "tile" }, link, element("div", { class: "actions" }, ...buttons));
  tile.controls = [link, ...buttons];
  describe(tile, hit);
  return tile;
}

/** Writes what is known of a hit onto its tile; the reranked hit may know more than the first one did. */
function describe(tile, hit) {
  tile.hit = hit;
  const probability = hit.probability === undefined ? "" : percent(hit.probability);
  const alike = hit.alike ? `+${hit.alike.length} alike` : "";
  const foundIn = hit.foundIn ? `found in: ${hit.foundIn}` : "";
  const link = tile.controls[0];
  link.setAttribute(
    "aria-label",
    [hit.caption ?? fileName(hit.path), probability && `${probability} probable`, foundIn, alike].filter(Boolean).join(", "),
  );
  const text = element(
    "div",
    { class: "text", "aria-hidden": "true" },
    element("p", { class: "caption" }, hit.caption ?? fileName(hit.path)),
    foundIn && element("p", { class: "found" }, foundIn),
  );
  const badges = element(
    "div",
    { class: "badges", "aria-hidden": "true" },
    probability && element("span", { class: hit.improbable ? "badge improbable" : "badge" }, probability),
    alike && element("span", { class: "badge" }, alike),
  );
  link.replaceChildren(link.firstElementChild, text, badges);
}
