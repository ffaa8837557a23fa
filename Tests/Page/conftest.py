"""Starts the server once and a browser once; every test gets a page that may not write errors to the console."""

import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
DESKTOP = {"width": 1280, "height": 800}


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes long, or measures time")


@pytest.fixture(scope="session")
def query():
    """A text that the index has results for."""
    return os.environ.get("BLIP_QUERY", "a dog")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of the server."""
    if url := os.environ.get("BLIP_URL"):
        yield url.rstrip("/")
        return
    if not {"BLIP_BINARY", "BLIP_INDEX"} <= os.environ.keys():
        pytest.exit("Set BLIP_BINARY and BLIP_INDEX, or BLIP_URL.", returncode=2)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [os.environ["BLIP_BINARY"], "serve", "--index", os.environ["BLIP_INDEX"], "--listen", f"127.0.0.1:{port}"],
            stdout=output, stderr=output,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_ready(url, process, log):
    for _ in range(300):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url + "/ready", timeout=1)
            return
        except OSError:
            time.sleep(0.2)
    pytest.exit("The server did not start:\n" + Path(log).read_text(errors="replace"), returncode=2)


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--enable-precise-memory-info", "--js-flags=--expose-gc"],
        )
        yield browser
        browser.close()


@pytest.fixture
def expected_errors():
    """Parts of console errors that a test causes on purpose."""
    return []


@pytest.fixture
def open_page(browser, server, expected_errors):
    """Opens an address of the server in a fresh context, and checks at the end that the console has no errors."""
    contexts, errors = [], []

    def open_page(path="/", prepare=None, **options):
        context = browser.new_context(**{"viewport": DESKTOP, "base_url": server, **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if prepare:
            prepare(page)
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    unexpected = [error for error in errors if not any(part in error for part in expected_errors)]
    assert not unexpected, f"errors in the console: {unexpected}"


@pytest.fixture
def results(open_page, query):
    """A page with the final results of the query."""
    page = open_page("/")
    search(page, query)
    return page


def search(page, text):
    """Types a text, presses Enter and waits for the final order."""
    page.fill("#text", text)
    page.press("#text", "Enter")
    settled(page)


def settled(page):
    """Waits until results, and nothing else, are shown."""
    page.wait_for_selector(".tile")
    wait_for(page, "document.getElementById('loading').hidden")


def wait_for(page, expression, arg=None, seconds=15):
    """Waits until an expression is true. (Playwright's own wait_for_function needs eval, which the policy forbids.)"""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"never true: {expression}"
        page.wait_for_timeout(20)


def ids(page):
    """The pictures in the DOM, in its order."""
    return page.eval_on_selector_all(
        ".tile > a", "links => links.map(link => Number(new URL(link.href).searchParams.get('picture')))")


def get(page, path, **parameters):
    """What the API answers, asked apart from the page."""
    response = page.request.get(path, params=parameters)
    assert response.ok, response.text()
    return response.json()


def parameter(page, name):
    """The values of a parameter in the address bar."""
    return page.evaluate("name => new URL(location.href).searchParams.getAll(name)", name)
