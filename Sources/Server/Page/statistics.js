// What the index holds, and how far indexing is.

import { get } from "./api.js";
import { byId, formatted } from "./elements.js";

const WHILE_INDEXING = 2_000;
const OTHERWISE = 30_000;

/**
 * Asks for the statistics now and again: often while pictures are being indexed, never while the page is hidden.
 * @param {(statistics: Object) => void} changed Called with the statistics when they have changed.
 */
export function watchStatistics(changed) {
  let timer = 0;
  let last = "";
  let isAsking = false;

  const ask = async () => {
    clearTimeout(timer);
    if (document.hidden || isAsking) return;
    isAsking = true;
    let delay = OTHERWISE;
    try {
      const statistics = await get("/api/statistics");
      const { indexing, ...content } = statistics;
      showProgress(indexing);
      if (indexing) delay = WHILE_INDEXING;
      const text = JSON.stringify(content);
      if (text !== last) changed(statistics);
      last = text;
    } catch {
      // A search says that the server is away; the statistics need not.
    }
    isAsking = false;
    timer = setTimeout(ask, delay);
  };

  document.addEventListener("visibilitychange", ask);
  ask();
}

/** @param {{done: number, total: number}|undefined} indexing */
function showProgress(indexing) {
  byId("indexing").hidden = !indexing;
  if (!indexing) return;
  const { done, total } = indexing;
  byId("progress").max = Math.max(total, 1);
  byId("progress").value = done;
  byId("progress-text").textContent = `${formatted(done)} of ${formatted(total)}`;
}
