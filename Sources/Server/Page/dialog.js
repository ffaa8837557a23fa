// One picture, large: what is known of it, where it lies, and why it matched.

import { get } from "./api.js";
import { counted, element, fileName, folderOf, formatted, icon, iconButton, percent, thumbnail } from "./elements.js";
import { Explanation } from "./explanation.js";

/** Formats that every browser shows; of others the original is a download. */
const SHOWN_BY_BROWSERS = new Set(["jpeg", "png", "webp", "gif"]);
/** A small picture is not enlarged further than this. */
const MAXIMUM_ENLARGEMENT = 2.5;

/** The dialog. */
export class PictureDialog {
  #dialog;
  #actions;
  #id = null;
  #request;
  #picture = element("img", { alt: "", decoding: "async", draggable: "false" });
  #frame;
  #name = element("h2", { id: "picture-name" });
  #figures = element("p", { class: "figures" });
  #buttons = element("div", { class: "buttons" });
  #facts = element("div", { class: "facts" });
  #why = element("section", { class: "why" });
  #previous;
  #next;
  #explanation;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {Object} actions
   * @param {() => void} actions.close
   * @param {(step: -1|1) => void} actions.step To the previous or next result.
   * @param {(id: number) => void} actions.open Another picture.
   * @param {(name: string, value: string|number) => void} actions.push Changes the query.
   * @param {(name: string, id: number) => boolean} actions.isPushed
   */
  constructor(dialog, actions) {
    this.#dialog = dialog;
    this.#actions = actions;
    const canvas = element("canvas", { class: "map", "aria-hidden": "true" });
    this.#frame = element("div", { class: "frame" }, this.#picture, canvas);
    this.#previous = iconButton("left", "Previous picture", { class: "step previous", click: () => actions.step(-1) });
    this.#next = iconButton("right", "Next picture", { class: "step next", click: () => actions.step(1) });
    this.#explanation = new Explanation(this.#why, canvas);
    dialog.append(
      element("div", { class: "stage" }, this.#frame,
        iconButton("close", "Close", { class: "close", click: () => actions.close() }), this.#previous, this.#next),
      element("div", { class: "panel" }, this.#name, this.#figures, this.#buttons, this.#why, this.#facts),
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      actions.close();
    });
    // The browser closes it by itself where Escape is pressed again before the first was answered.
    dialog.addEventListener("close", () => {
      if (this.#id !== null) actions.close();
    });
    dialog.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      actions.step(step);
    });
  }

  /** The picture that is open, or null. */
  get id() {
    return this.#id;
  }

  /**
   * Opens the dialog, or shows another picture in it.
   * @param {number} id
   * @param {Object|undefined} hit The light hit, if the picture is among the results.
   * @param {string} queryText What to explain.
   */
  async show(id, hit, queryText) {
    if (id !== this.#id) {
      this.#request?.abort();
      this.#request = new AbortController();
      this.#id = id;
      this.#showPicture(id, hit);
      this.#facts.replaceChildren();
      this.#name.textContent = hit ? fileName(hit.path) : "Picture";
      this.#explanation.show(id, queryText);
      this.#load(id, hit, this.#request.signal);
    }
    this.#showFigures(hit);
    this.refresh();
    if (!this.#dialog.open) this.#dialog.showModal();
  }

  /** Closes the dialog. */
  hide() {
    if (!this.#dialog.open) return;
    this.#request?.abort();
    this.#explanation.clear();
    this.#id = null;
    this.#dialog.close();
  }

  /** Says which pictures there are before and after this one; their large versions are loaded ahead. */
  setNeighbours(previous, next) {
    this.#previous.disabled = previous === undefined;
    this.#next.disabled = next === undefined;
    for (const id of [next, previous]) if (id !== undefined) new Image().src = thumbnail(id, 1280);
  }

  /** Shows which buttons are set, after the query has changed. */
  refresh() {
    const id = this.#id;
    if (id === null) return;
    const toggle = (name, iconName, label) => element("button", {
      type: "button", "aria-pressed": String(this.#actions.isPushed(name, id)), "data-action": name,
      click: () => this.#actions.push(name, id),
    }, icon(iconName), label);
    const focused = this.#buttons.contains(document.activeElement) && document.activeElement.dataset.action;
    this.#buttons.replaceChildren(
      toggle("like", "plus", "More like this"),
      toggle("unlike", "minus", "Less like this"),
      element("button", { type: "button", "data-action": "similar", click: () => this.#actions.push("similar", id) },
        icon("similar"), "Find similar"),
    );
    if (focused) this.#buttons.querySelector(`[data-action=${focused}]`)?.focus();
  }

  /** The thumbnail is there at once, mostly; the large picture replaces it when it is decoded. */
  #showPicture(id, hit) {
    this.#picture.src = thumbnail(id);
    if (hit) this.#fit(hit);
    const large = new Image();
    large.src = thumbnail(id, 1280);
    large.decode().then(
      () => {
        if (this.#id === id) this.#picture.src = large.src;
      },
      () => {},
    );
  }

  #fit({ width, height }) {
    if (!width || !height) return;
    this.#frame.style.setProperty("--ratio", width / height);
    this.#frame.style.setProperty("--widest", `${width * MAXIMUM_ENLARGEMENT}px`);
  }

  #showFigures(hit) {
    const parts = [];
    if (hit?.probability !== undefined) parts.push(`${percent(hit.probability)} probable`);
    if (hit?.foundIn) parts.push(`found in: ${hit.foundIn}`);
    this.#figures.textContent = parts.join(" · ");
    this.#figures.hidden = parts.length === 0;
  }

  async #load(id, hit, signal) {
    try {
      const record = await get(`/api/pictures/${id}`, undefined, signal);
      if (id !== this.#id) return;
      const path = record.path ?? record.location ?? "";
      this.#name.textContent = fileName(path);
      this.#picture.alt = record.captions?.[0] ?? fileName(path);
      this.#fit(record);
      this.#facts.replaceChildren(
        ...[this.#captions(record), this.#metadata(record, path), this.#alike(hit)].filter(Boolean));
    } catch (problem) {
      if (signal.aborted) return;
      this.#facts.replaceChildren(element("p", { class: "hint", role: "alert" }, problem.message));
    }
  }

  #captions({ id, captions = [], synthetic_captions: generated = [] }) {
    const items = captions.map((caption) =>
      element("li", {}, caption, generated.includes(caption) && element("span", { class: "hint" }, " (generated)")));
    const list = element("ul", {}, ...items);
    const describe = element("button", {
      type: "button", class: "plain",
      click: async () => {
        describe.disabled = true;
        describe.textContent = "Describing…";
        try {
          const { caption } = await get("/api/caption", { picture: id });
          list.append(element("li", {}, caption, element("span", { class: "hint" }, " (generated now)")));
          describe.remove();
        } catch (problem) {
          describe.textContent = problem.message;
        }
      },
    }, "Describe this picture");
    return element("section", {}, element("h3", {}, "Captions"), list, describe);
  }

  #metadata(record, path) {
    const list = element("dl");
    const add = (name, ...content) => content.some(Boolean) && list.append(element("dt", {}, name), element("dd", {}, ...content));
    const { width, height, type, size, camera, taken, modified, latitude, longitude } = record;
    const folder = folderOf(path);
    add("File", element("code", {}, record.location ?? path));
    add("Folder", folder && this.#filterButton(folder, "under", folder));
    const dimensions = width && `${formatted(width)} × ${formatted(height)}`;
    add("Size", [dimensions, type?.toUpperCase(), size && bytes(size)].filter(Boolean).join(", "));
    add("Taken", taken && date(taken));
    add("Modified", !taken && modified && date(modified));
    add("Camera", camera && this.#filterButton(camera, "camera", camera));
    if (latitude !== undefined && longitude !== undefined) {
      const place = `${latitude.toFixed(4)},${longitude.toFixed(4)}`;
      add("Place", this.#filterButton(place.replace(",", ", "), "near", place));
    }
    const { title, description, keywords, places } = { ...record, ...record.details };
    add("Title", title);
    add("Description", description);
    add("Keywords", keywords?.join(", "));
    add("Places", places?.join(", "));
    const isShown = SHOWN_BY_BROWSERS.has(type);
    const original = element("a", { href: `/api/pictures/${record.id}/original`, target: "_blank", rel: "noopener" },
      isShown ? "Open original" : "Download original", icon("open"));
    return element("section", {}, element("h3", {}, "About the picture"), list, original);
  }

  #filterButton(text, name, value) {
    const label = `Search only here: ${text}`;
    return element("button", {
      type: "button", class: "plain", title: label, click: () => this.#actions.push(name, value),
    }, text);
  }

  #alike(hit) {
    if (!hit?.alike?.length) return null;
    const pictures = hit.alike.slice(0, 24).map((id, index) =>
      element("button", { type: "button", "aria-label": `Open alike picture ${index + 1}`, click: () => this.#actions.open(id) },
        element("img", { src: thumbnail(id), alt: "", width: 72, height: 72, loading: "lazy" })));
    return element("section", {}, element("h3", {}, counted(hit.alike.length, "picture") + " nearly identical"),
      element("div", { class: "alike" }, ...pictures));
  }
}

/** @returns {string} "2.4 MB" */
function bytes(size) {
  const [unit, divisor] = size < 1e6 ? ["kB", 1e3] : ["MB", 1e6];
  return `${(size / divisor).toLocaleString("en", { maximumSignificantDigits: 2 })}\u00a0${unit}`;
}

/** Dates of cameras have no time zone; they are shown as they are. */
function date(text) {
  const parsed = new Date(text);
  if (Number.isNaN(parsed.getTime())) return text;
  const timeZone = text.endsWith("Z") ? "UTC" : undefined;
  return parsed.toLocaleString("en", { dateStyle: "long", timeStyle: "short", timeZone });
}
