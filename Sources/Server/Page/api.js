// Requests to the server. Every failure is a Problem, so that callers have one kind of error to show.

/** Why a request failed. */
export class Problem extends Error {
  /**
   * @param {string} detail One sentence for the reader.
   * @param {number} [status] The HTTP status; 0 where the server did not answer.
   * @param {number} [retryAfter] In how many seconds the server asks to be tried again.
   */
  constructor(detail, status = 0, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Answers a request for JSON.
 * @param {string} path
 * @param {URLSearchParams|Object<string, string>} [parameters]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, parameters, signal) {
  const response = await request(address(path, parameters), { signal, headers: { Accept: "application/json" } });
  return readJSON(response);
}

/**
 * The events of a search: `{event, data}`, first "results", then "reranked" where the server reranks.
 * @param {URLSearchParams} parameters
 * @param {AbortSignal} signal
 */
export async function* search(parameters, signal) {
  const response = await request(address("/api/search", parameters), {
    signal,
    headers: { Accept: "text/event-stream" },
  });
  if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
    yield { event: "results", data: await readJSON(response) };
    return;
  }
  for await (const { event, data } of events(response.body, signal)) {
    if (event === "done") return;
    const content = JSON.parse(data);
    if (event === "problem") throw new Problem(content.detail ?? content.title, content.status);
    yield { event, data: content };
  }
}

/**
 * Sends a picture to search by.
 * @param {Blob} file
 * @returns {Promise<{upload: string, width: number, height: number}>}
 */
export async function upload(file) {
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  return readJSON(await request("/api/uploads", { method: "POST", body: file, headers: { "Content-Type": type } }));
}

function address(path, parameters) {
  const query = new URLSearchParams(parameters).toString();
  return query ? `${path}?${query}` : path;
}

async function request(url, options) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    throw networkProblem(error);
  }
  if (response.ok) return response;
  if (response.status === 401) signIn();
  let detail;
  try {
    const content = await response.json();
    detail = content.detail ?? content.title;
  } catch {
    // The answer of a proxy, perhaps; the status says enough.
  }
  const retryAfter = Number.parseInt(response.headers.get("Retry-After"), 10);
  throw new Problem(
    detail || `The server answered with status ${response.status}.`,
    response.status,
    Number.isNaN(retryAfter) ? undefined : retryAfter,
  );
}

async function readJSON(response) {
  try {
    return await response.json();
  } catch (error) {
    throw networkProblem(error);
  }
}

/** An abort stays what it is, for callers that caused it; anything else means that there is no server. */
function networkProblem(error) {
  if (error.name === "AbortError") return error;
  return new Problem("The server does not answer.");
}

/** Goes to the sign-in form, and remembers where to come back to. */
function signIn() {
  sessionStorage.setItem("address", location.pathname + location.search);
  location.assign("/login");
}

/** Restores the address that was asked for before the sign-in, if this page follows one. */
export function restoreAddress() {
  const before = sessionStorage.getItem("address");
  sessionStorage.removeItem("address");
  if (before?.startsWith("/?") && !location.search) history.replaceState(null, "", before);
}

/** Reads Server-Sent Events (EventSource would hide the status of a failure, and reconnect by itself). */
async function* events(body, signal) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      pending = (pending + value).replace(/\r\n/g, "\n");
      for (let end = pending.indexOf("\n\n"); end >= 0; end = pending.indexOf("\n\n")) {
        const event = parsed(pending.slice(0, end));
        pending = pending.slice(end + 2);
        if (event.data) yield event;
      }
    }
  } catch (error) {
    throw signal.aborted || error instanceof Problem ? error : networkProblem(error);
  } finally {
    reader.cancel().catch(() => {});
  }
}

function parsed(block) {
  let event = "message";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event:")) event = line.slice(6).trim();
    else if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  return { event, data: data.join("\n") };
}
