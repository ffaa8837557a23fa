// The filter menus: folder, date, camera, type and more. What is set is shown as chips (chips.js).

import { element, formatted, icon, iconButton } from "./elements.js";
import { Histogram } from "./histogram.js";

/** From this number of folders on, they can be found by a part of their name. */
const MANY_FOLDERS = 12;

/** The menus. */
export class Filters {
  #menus;
  #change;
  #query;
  #histogram;

  /**
   * @param {HTMLElement} container
   * @param {(name: string, value: string, isSet: boolean) => void} change Called when a filter is set or removed.
   */
  constructor(container, change) {
    this.#change = change;
    this.#menus = Object.fromEntries(
      ["Folder", "Date", "Camera", "Type", "More"].map((label) => [label, makeMenu(container, label)]),
    );
    this.#histogram = new Histogram(this.#menus.Date, change);
    this.#menus.More.replaceChildren(
      this.#group("Shape", "shape", [["", "any"], ["portrait", "portrait"], ["landscape", "landscape"]], "radio"),
      this.#group("Only pictures with", "has", [["captions", "captions"], ["location", "a location"], ["date", "a date"]], "checkbox"),
    );
  }

  /**
   * Fills the menus from what the index holds.
   * @param {Object} statistics As the API answers them.
   */
  fill({ folders, months, cameras, types }) {
    // The number of pictures changes while they are indexed; a menu in use must not change under the pointer.
    if (Object.values(this.#menus).some((menu) => menu.matches(":popover-open"))) return;
    this.#menus.Folder.replaceChildren(...this.#folders(folders));
    this.#histogram.fill(months);
    this.#menus.Camera.replaceChildren(
      this.#group("Camera", "camera",
        [["", "any"], ...cameras.map(({ camera, pictures }) => [camera, camera, pictures])], "radio"),
    );
    this.#menus.Type.replaceChildren(
      this.#group("Type", "type", types.map(({ type, pictures }) => [type, type.toUpperCase(), pictures]), "checkbox"),
    );
    // A menu with nothing to choose from is left out.
    const isUseful = { Folder: folders.length > 0, Date: months.length > 0, Camera: cameras.length > 0, Type: types.length > 1, More: true };
    for (const [label, menu] of Object.entries(this.#menus)) menu.opener.hidden = !isUseful[label];
    if (this.#query) this.show(this.#query);
  }

  /**
   * Shows what of a query is set.
   * @param {import("./query.js").Query} query
   */
  show(query) {
    this.#query = query;
    for (const menu of Object.values(this.#menus)) {
      for (const input of menu.querySelectorAll("input[data-filter]")) this.#check(input);
    }
    this.#histogram.show(query.all("since")[0], query.all("until")[0]);
    const names = { Folder: ["under", "not_under"], Date: ["since", "until"], Camera: ["camera"], Type: ["type"], More: ["shape", "has"] };
    for (const [label, menu] of Object.entries(this.#menus)) {
      menu.opener.classList.toggle("set", names[label].some((name) => query.all(name).length > 0));
    }
  }

  #check(input) {
    const { filter } = input.dataset;
    input.checked = input.value ? this.#query?.has(filter, input.value) : !this.#query?.all(filter).length;
  }

  #group(legend, name, options, kind) {
    return element(
      "fieldset", {}, element("legend", {}, legend),
      ...options.map(([value, label, pictures]) => this.#option(name, value, label, pictures, kind)),
    );
  }

  #option(name, value, label, pictures, kind) {
    const input = element("input", {
      type: kind, name: `filter-${name}`, value, "data-filter": name,
      change: () => this.#change(name, value, kind === "radio" ? value !== "" : input.checked),
    });
    this.#check(input);
    return element(
      "label", { class: "option" }, input, element("span", {}, label),
      pictures !== undefined && element("span", { class: "count" }, formatted(pictures)),
    );
  }

  #folders(folders) {
    const tree = folderTree(folders);
    const list = element("ul", { class: "folders" }, ...tree.map((folder) => this.#folder(folder)));
    if (folders.length < MANY_FOLDERS) return [list];
    const found = element("ul", { class: "folders", hidden: true });
    const search = element("input", {
      type: "search", placeholder: "Find a folder", "aria-label": "Find a folder",
      input: () => {
        const part = search.value.trim().toLowerCase();
        const matching = part ? folders.filter(({ path }) => path.toLowerCase().includes(part)).slice(0, 100) : [];
        found.replaceChildren(...matching.map(({ path, pictures }) =>
          element("li", {}, this.#option("under", path, path, pictures, "checkbox"))));
        found.hidden = !part;
        list.hidden = Boolean(part);
      },
    });
    return [search, list, found];
  }

  /** A folder; the folders in it are made when it is expanded, since there may be thousands. */
  #folder({ path, name, pictures, folders }) {
    const option = this.#option("under", path, name, pictures, "checkbox");
    if (!folders.length) return element("li", {}, element("span", { class: "indent" }), option);
    const children = element("ul", { hidden: true });
    const expand = iconButton("right", `Folders in ${name}`, {
      "aria-expanded": "false", class: "expand",
      click: () => {
        if (!children.children.length) children.append(...folders.map((folder) => this.#folder(folder)));
        children.hidden = !children.hidden;
        expand.setAttribute("aria-expanded", !children.hidden);
      },
    });
    return element("li", {}, expand, option, children);
  }
}

/** The folders as a tree, from their sorted paths. A folder whose parent is not listed is at the top. */
function folderTree(folders) {
  const nodes = new Map();
  const top = [];
  for (const { path, pictures } of folders) {
    const slash = path.lastIndexOf("/");
    const parent = nodes.get(path.slice(0, Math.max(slash, 0)));
    const node = { path, pictures, name: parent ? path.slice(slash + 1) : path, folders: [] };
    nodes.set(path, node);
    (parent ? parent.folders : top).push(node);
  }
  return top;
}

/** A button and what it opens. The browser closes it again on Escape and on a click elsewhere. */
function makeMenu(container, label) {
  const id = `menu-${label.toLowerCase()}`;
  const opener = element(
    "button", { type: "button", class: "opener", popovertarget: id, "aria-expanded": "false" }, label, icon("down"),
  );
  const menu = element("div", { id, class: "menu", popover: "auto", role: "group", "aria-label": `Filter by ${label.toLowerCase()}` });
  menu.opener = opener;
  menu.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    const { left, bottom } = opener.getBoundingClientRect();
    menu.style.setProperty("--left", `${left}px`);
    menu.style.setProperty("--top", `${bottom + 6}px`);
  });
  menu.addEventListener("toggle", (event) => opener.setAttribute("aria-expanded", event.newState === "open"));
  container.append(opener, menu);
  return menu;
}
