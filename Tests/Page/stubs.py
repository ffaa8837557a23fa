"""Answers in place of the server, where a test must not depend on the index or on timing."""

import json
from urllib.parse import parse_qs, urlsplit

from conftest import wait_for

# One pixel, so that pictures that do not exist cost nothing.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000" "1f15c489"
    "0000000d4944415478da63647068f80f0002840180ead2a5f10000000049454e44ae426082")

# Answers searches for events with a stream that the test writes to.
STREAM = """
  const original = window.fetch;
  window.fetch = (input, options) => {
    if (!String(input).startsWith("/api/search") || !options?.headers?.Accept?.includes("event-stream")) {
      return original(input, options);
    }
    const encoder = new TextEncoder();
    let controller;
    const body = new ReadableStream({ start(given) { controller = given; } });
    window.sendText = (text) => controller.enqueue(encoder.encode(text));
    window.sendEvent = (event, data) => window.sendText(`event: ${event}\\ndata: ${JSON.stringify(data)}\\n\\n`);
    window.endStream = () => controller.close();
    return Promise.resolve(new Response(body, { headers: { "Content-Type": "text/event-stream" } }));
  };
"""


def hit(number, **fields):
    """A result, in proportions that vary with its number."""
    width, height = [(400, 300), (300, 400), (400, 400), (640, 360), (300, 450)][number % 5]
    return {
        "id": number, "path": f"folder/{number}.jpg", "location": f"/pictures/folder/{number}.jpg", "cosine": 0.5,
        "probability": 0.9, "type": "jpeg", "width": width, "height": height,
        "modified": "2024-05-31T12:00:00Z", **fields,
    }


def answer(hits, following=None, **fields):
    """What a search answers."""
    body = {"query": "stub", "results": hits, "notes": [], "seconds": 0.001, **fields}
    return {**body, "next": following} if following else body


def stub_stream(page):
    """Searches are answered by `sendEvent` and `endStream` in the page."""
    page.add_init_script(STREAM)
    stub_pictures(page)


def send(page, event, data):
    """Sends an event of the stream that the page reads."""
    wait_for(page, "Boolean(window.sendEvent)")
    page.evaluate("([event, data]) => window.sendEvent(event, data)", [event, data])


def stub_pictures(page):
    page.route("**/api/pictures/*/thumbnail*", lambda route: route.fulfill(body=PIXEL, content_type="image/png"))


def stub_pages(page, total):
    """Searches have `total` results, page by page."""
    def respond(route):
        parameters = parse_qs(urlsplit(route.request.url).query)
        start, limit = int(parameters.get("cursor", ["0"])[0]), int(parameters["limit"][0])
        end = min(total, start + limit)
        captions = {"captions": ["a caption of about the usual length, as people write them"] * 5}
        hits = [hit(number, **captions) for number in range(start + 1, end + 1)]
        route.fulfill(json=answer(hits, str(end) if end < total else None))

    page.route("**/api/search?*", respond)
    stub_pictures(page)


def problem(status, detail, **headers):
    """A handler that answers with a problem."""
    body = json.dumps({"type": "about:blank", "title": "Problem", "status": status, "detail": detail})
    return lambda route: route.fulfill(
        status=status, body=body, content_type="application/problem+json", headers=headers)
