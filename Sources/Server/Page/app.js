// The page: the address bar is the query; everything shown follows from it.

import { get, Problem, restoreAddress, search } from "./api.js";
import { showFilterChips, showPictureChips } from "./chips.js";
import { PictureDialog } from "./dialog.js";
import { byId, counted, element, formatted } from "./elements.js";
import { Filters } from "./filters.js";
import { Grid, lightHit } from "./grid.js";
import { Messages } from "./messages.js";
import { Query } from "./query.js";
import { watchStatistics } from "./statistics.js";
import { listenForPictures, previews } from "./uploads.js";

/** Results per page. */
const PAGE = 100;
/** How many lists of results are kept for the back button. */
const KEPT_LISTS = 4;

/** What the results are of, and how they can be continued. */
let shown = { query: null, hits: [], next: undefined, seconds: 0 };
let query = new Query();
let picture = null;
let statistics;
let request = new AbortController();
let isLoadingMore = false;
const kept = new Map();

const messages = new Messages(byId("message"), (other) => go(other));
const messagesBelow = new Messages(byId("message-below"), (other) => go(other));
const grid = new Grid(byId("grid"), { address: (id) => address(query, id), open: openPicture, push, isPushed, more: loadMore });
const dialog = new PictureDialog(byId("picture"), { close: closePicture, step, open: replacePicture, push, isPushed });
const filters = new Filters(byId("filters"), setFilter);

function address(of, id) {
  const parameters = of.parameters;
  if (id != null) parameters.set("picture", id);
  const text = parameters.toString();
  return text ? `/?${text}` : "/";
}

/** Searches for something else, as a new entry of the history. */
function go(other, { isNew = true } = {}) {
  const target = address(other);
  if (isNew && target !== location.pathname + location.search) history.pushState({}, "", target);
  follow();
}

/** Shows what the address bar says. */
function follow({ isBack = false } = {}) {
  const parameters = new URLSearchParams(location.search);
  query = new Query(parameters);
  picture = Number.parseInt(parameters.get("picture"), 10);
  if (Number.isNaN(picture)) picture = null;

  byId("text").value = query.text;
  showPictureChips(byId("terms"), query, previews, go);
  showFilterChips(byId("chips"), query, go);
  filters.show(query);
  grid.refresh();
  document.title = query.text ? `${query.text} – blip` : "blip";
  if (String(query) !== String(shown.query)) change(isBack);
  syncDialog();
}

/** Leaves the results that are shown, for those of the query. */
function change(isBack) {
  keep();
  request.abort();
  request = new AbortController();
  const before = isBack && kept.get(String(query));
  if (query.isEmpty) {
    showResults({ query, hits: [] });
    messages.showStart(query, statistics);
    setStatus("");
  } else if (before) {
    showResults(before);
    summarize();
    scrollTo({ top: before.top });
  } else {
    start();
  }
}

/** Remembers the results that are left, and how far they were scrolled. */
function keep() {
  if (!shown.hits.length || byId("loading").hidden === false) return;
  const key = String(shown.query);
  kept.delete(key);
  kept.set(key, { ...shown, top: scrollY });
  if (kept.size > KEPT_LISTS) kept.delete(kept.keys().next().value);
}

async function start() {
  const { signal } = request;
  const asked = query;
  setLoading(true);
  try {
    const parameters = asked.parameters;
    parameters.set("limit", PAGE);
    for await (const { event, data } of search(parameters, signal)) {
      if (signal.aborted) return;
      const isFirst = event === "results";
      if (isFirst) scrollTo({ top: 0 });
      // Until the order is final there is no next page.
      showResults({ query: asked, hits: data.results.map(lightHit), next: undefined, seconds: data.seconds, isPending: true },
        { isAnimated: !isFirst });
      shown.last = data.next;
      summarize(data);
      syncDialog();
    }
    shown.next = shown.last;
    shown.isPending = false;
    setLoading(false);
    grid.show(shown.hits, { isComplete: shown.next === undefined });
    summarize();
    syncDialog();
    if (!shown.hits.length) messages.showNothing(asked, signal);
  } catch (problem) {
    if (signal.aborted) return;
    fail(problem, asked);
  }
}

/** Shows why a search failed; the query is asked again when its address is followed again. */
function fail(problem, asked) {
  setLoading(false);
  if (problem.status === 401) return;
  if (!(problem instanceof Problem)) console.error(problem);
  showResults({ query: asked, hits: [] });
  setStatus("");
  messages.showProblem(problem, () => {
    shown.query = null;
    follow();
  });
}

async function loadMore() {
  if (isLoadingMore || shown.next === undefined) return;
  isLoadingMore = true;
  const { signal } = request;
  try {
    const parameters = shown.query.parameters;
    parameters.set("limit", PAGE);
    parameters.set("cursor", shown.next);
    const answer = await get("/api/search", parameters, signal);
    const known = new Set(shown.hits.map((hit) => hit.id));
    shown.hits = [...shown.hits, ...answer.results.map(lightHit).filter((hit) => !known.has(hit.id))];
    shown.next = answer.next;
  } catch (problem) {
    if (signal.aborted) return;
    // What is there stays; scrolling further does not ask again, the button does.
    const { next } = shown;
    shown.next = undefined;
    messagesBelow.showProblem(problem, () => {
      messagesBelow.clear();
      shown.next = next;
      loadMore();
    });
  } finally {
    isLoadingMore = false;
  }
  if (signal.aborted) return;
  grid.show(shown.hits, { isComplete: shown.next === undefined });
  summarize();
  syncDialog();
}

function showResults(results, options) {
  shown = results;
  if (results.hits.length || results.isPending) messages.clear();
  messagesBelow.clear();
  grid.show(results.hits, { isComplete: results.next === undefined && !results.isPending, ...options });
  byId("improbable").hidden = !results.hits.length || !results.hits[0].improbable;
  if (!results.hits.length) byId("notes").hidden = true;
}

/** The line above the results, which screen readers hear. */
function summarize(answer) {
  if (answer) {
    byId("notes").replaceChildren(...(answer.notes ?? []).map((note) => element("li", {}, note)));
    byId("notes").hidden = !answer.notes?.length;
  }
  const count = shown.hits.length;
  if (!count) setStatus("");
  else if (shown.isPending) setStatus("Sorting…");
  else setStatus(shown.next === undefined ? counted(count, "picture") : `First ${formatted(count)} pictures`);
}

function setStatus(text) {
  if (byId("status").textContent !== text) byId("status").textContent = text;
}

function setLoading(isLoading) {
  byId("loading").hidden = !isLoading;
  byId("main").setAttribute("aria-busy", isLoading);
}

function openPicture(id) {
  history.pushState({ opened: true }, "", address(query, id));
  follow();
}

/** Another picture in the dialog is not a new entry of the history: back closes it. */
function replacePicture(id) {
  history.replaceState(history.state, "", address(query, id));
  follow();
}

function closePicture() {
  if (history.state?.opened) history.back();
  else {
    history.replaceState({}, "", address(query));
    follow();
  }
}

function step(by) {
  const position = grid.position(picture);
  const hit = position < 0 ? undefined : shown.hits[position + by];
  if (hit) replacePicture(hit.id);
}

/** Opens or closes the dialog as the address says. */
function syncDialog() {
  if (picture === null) {
    const { id } = dialog;
    if (id === null) return;
    dialog.hide();
    const position = grid.position(id);
    grid.focus(position < 0 ? undefined : position);
    return;
  }
  const position = grid.position(picture);
  dialog.show(picture, shown.hits[position], query.text);
  dialog.setNeighbours(shown.hits[position - 1]?.id, position < 0 ? undefined : shown.hits[position + 1]?.id);
  if (position >= shown.hits.length - 2) loadMore();
}

function isPushed(name, id) {
  return query.has(name, id);
}

/** Changes the query by a picture, or by something known of one. */
function push(name, value) {
  let other = query;
  if (name === "similar") other = query.withoutTerms.with("like", value);
  else if (name === "like" || name === "unlike") {
    const opposite = name === "like" ? "unlike" : "like";
    other = isPushed(name, value) ? query.without(name, value) : query.without(opposite, value).with(name, value);
  } else if (name === "near") other = query.with("near", value).with("within", "10");
  else other = query.with(name, value);
  go(other);
}

function setFilter(name, value, isSet) {
  if (name === "range") {
    const [since, until] = value.split("/");
    go(query.with("since", since).with("until", until));
  } else go(isSet ? query.with(name, value) : query.without(name, ["since", "until", "camera", "shape"].includes(name) ? undefined : value));
}

byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("text").value.trim();
  const other = text ? query.with("q", text) : query.without("q");
  // Enter on the same query asks again.
  if (String(other) === String(query)) shown.query = null;
  go(other);
});

byId("home").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(new Query());
  byId("text").focus();
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input, textarea, select") && event.target.type !== "checkbox" && event.target.type !== "radio";
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && picture === null) {
    event.preventDefault();
    byId("text").focus();
    byId("text").select();
  } else if (event.key === "ArrowDown" && event.target === byId("text") && shown.hits.length) {
    event.preventDefault();
    grid.focus();
  }
});

listenForPictures({
  began: () => setLoading(true),
  uploaded: (token, isAdded) => {
    setLoading(false);
    go((isAdded ? query : query.withoutTerms).with("upload", token));
  },
  failed: (problem) => {
    setLoading(false);
    if (problem.status !== 401) messages.showProblem(problem);
  },
});

addEventListener("popstate", () => follow({ isBack: true }));
history.scrollRestoration = "manual";
restoreAddress();
follow();
watchStatistics((latest) => {
  statistics = latest;
  filters.fill(latest);
  if (query.isEmpty) messages.showStart(query, latest);
});
if (!query.text && picture === null && matchMedia("(hover: hover)").matches) byId("text").focus();
