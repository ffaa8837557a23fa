"""Searching: the start page, results, their order while they stream in, and states without results."""

import re

import pytest
from playwright.sync_api import expect

from conftest import get, ids, parameter, search, settled, wait_for
from stubs import answer, hit, problem, send, stub_pages, stub_stream


def test_start_page_says_how_many_pictures_there_are(open_page):
    page = open_page("/")
    count = get(page, "/api/statistics")["pictures"]
    expect(page.locator("#message h2")).to_have_text(re.compile(f"{count:,}"))
    expect(page.locator(".tile")).to_have_count(0)
    page.locator(".examples button").first.click()
    settled(page)
    assert parameter(page, "q") == [page.input_value("#text")] != [""]


def test_results_are_those_of_the_api(results, query):
    expected = [one["id"] for one in get(results, "/api/search", q=query, limit=100)["results"]]
    shown = ids(results)
    assert len(shown) >= 5
    assert shown == expected[:len(shown)]
    expect(results.locator("#status")).to_have_text(re.compile(r"\d+ pictures?"))
    expect(results.locator(".tile .badge").first).to_have_text(re.compile(r"^<?\d+\u00a0%$"))


def test_reranked_order_replaces_the_first_one_and_keeps_the_elements(open_page):
    page = open_page("/?q=stub", prepare=stub_stream)
    send(page, "results", answer([hit(1), hit(2), hit(3), hit(4)]))
    page.wait_for_selector(".tile")
    assert ids(page) == [1, 2, 3, 4]
    expect(page.locator("#status")).to_have_text("Sorting…")
    page.evaluate("for (const tile of document.querySelectorAll('.tile')) tile.mark = tile.hit.id")
    page.locator(".tile a").first.focus()

    send(page, "reranked", answer([hit(3, probability=0.97), hit(1), hit(5), hit(2)]))
    wait_for(page, "document.querySelectorAll('.tile')[0].hit.id === 3")
    send(page, "done", {})
    expect(page.locator("#status")).to_have_text("4 pictures")
    assert ids(page) == [3, 1, 5, 2]
    assert page.eval_on_selector_all(".tile", "tiles => tiles.map(tile => tile.mark ?? null)") == [3, 1, None, 2]
    assert page.evaluate("document.activeElement.closest('.tile')?.hit.id") == 1, "the focus stays on its picture"
    expect(page.locator(".tile .badge").first).to_have_text("97\u00a0%")
    page.wait_for_timeout(400)
    lefts = page.eval_on_selector_all(".tile", "tiles => tiles.map(tile => Math.round(tile.getBoundingClientRect().left))")
    assert lefts == sorted(lefts), "pictures lie in their order"


def test_events_in_pieces_are_read(open_page):
    page = open_page("/?q=stub", prepare=stub_stream)
    wait_for(page, "Boolean(window.sendText)")
    data = '{"query":"stub","results":[],"notes":["a note\\u00e9"],"seconds":0}'
    for piece in ["event: res", "ults\r\nda", "ta: " + data[:20], data[20:] + "\r\n", "\r\nevent: done\r\ndata: {}\r\n\r\n"]:
        page.evaluate("text => window.sendText(text)", piece)
    expect(page.locator("#message")).to_contain_text("Nothing found")


@pytest.mark.slow
def test_first_results_are_painted_within_200_ms(open_page):
    # The page's own share, with a server that answers at once.
    page = open_page("/", prepare=stub_stream)
    page.wait_for_selector("#message h2")
    page.evaluate("""data => {
      const form = document.getElementById('search');
      form.addEventListener('submit', () => {
        window.began = performance.now();
        const send = () => window.sendEvent ? window.sendEvent('results', data) : setTimeout(send);
        setTimeout(send);
        const look = () => {
          if (document.querySelector('.tile')) requestAnimationFrame(() => { window.took = performance.now() - window.began; });
          else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }, { capture: true });
    }""", answer([hit(number) for number in range(1, 101)]))
    page.fill("#text", "stub")
    page.press("#text", "Enter")
    wait_for(page, "window.took")
    assert page.evaluate("window.took") < 200


def test_improbable_answers_and_notes_are_said(open_page):
    page = open_page("/?q=stub", prepare=stub_stream)
    improbable = [hit(1, probability=0.004, improbable=True, matched_in=["caption", "folder"], alike=[{"id": 8}, {"id": 9}])]
    send(page, "results", answer(improbable, notes=["The text seems to be Spanish."]))
    send(page, "done", {})
    expect(page.locator("#improbable")).to_be_visible()
    expect(page.locator("#notes")).to_have_text("The text seems to be Spanish.")
    expect(page.locator(".tile .badge")).to_have_text(["<1\u00a0%", "+2 alike"])
    expect(page.locator(".tile .found")).to_have_text("found in: caption, folder")
    expect(page.locator(".tile a")).to_have_attribute("aria-label", re.compile("found in: caption, folder"))


def test_probable_answers_are_not_called_improbable(open_page):
    page = open_page("/?q=stub", prepare=stub_stream)
    send(page, "results", answer([hit(1), hit(2, improbable=True)]))
    page.wait_for_selector(".tile")
    expect(page.locator("#improbable")).to_be_hidden()


def test_nothing_found_names_the_filter_that_is_the_reason(open_page):
    def prepare(page):
        def respond(route):
            isHarmless = "camera" not in route.request.url
            route.fulfill(json=answer([hit(1)] if isHarmless else []))
        page.route("**/api/search?*", respond)
    page = open_page("/?q=stub&camera=None&type=jpeg", prepare=prepare)
    expect(page.locator("#message")).to_contain_text("This filter leaves nothing")
    expect(page.locator("#message .choices button")).to_have_text(["Remove “None”", "Remove all filters"])
    page.locator("#message .choices button").first.click()
    page.wait_for_selector(".tile")
    assert parameter(page, "camera") == [] and parameter(page, "type") == ["jpeg"]


def test_a_busy_server_is_asked_again_when_it_says(open_page, expected_errors):
    expected_errors.append("503")
    attempts = []

    def prepare(page):
        def respond(route):
            attempts.append(route)
            if len(attempts) == 1:
                problem(503, "Too many searches at once.", **{"Retry-After": "1"})(route)
            else:
                route.fulfill(json=answer([hit(1)]))
        page.route("**/api/search?*", respond)
    page = open_page("/?q=stub", prepare=prepare)
    expect(page.locator("#message")).to_contain_text("Too many searches at once.")
    expect(page.locator("#message")).to_contain_text("Trying again in 1 s")
    page.wait_for_selector(".tile")
    assert len(attempts) == 2


def test_a_server_that_is_away_can_be_retried(open_page, expected_errors):
    expected_errors.append("net::ERR")
    page = open_page("/")
    page.route("**/api/search?*", lambda route: route.abort("connectionrefused"))
    page.fill("#text", "stub")
    page.press("#text", "Enter")
    expect(page.locator("#message h2")).to_have_text("The server does not answer")
    page.unroute("**/api/search?*")
    stub_pages(page, 3)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".tile")).to_have_count(3)
    expect(page.locator("#message")).to_be_hidden()


def test_problems_of_a_query_are_said_in_the_servers_words(open_page, expected_errors):
    expected_errors.append("400")
    page = open_page("/?q=-", prepare=lambda page: page.route("**/api/search?*", problem(400, "'-' is followed by nothing.")))
    expect(page.locator("#message")).to_contain_text("'-' is followed by nothing.")


def test_without_access_the_sign_in_form_is_shown_and_the_query_kept(open_page, expected_errors):
    expected_errors.append("401")
    page = open_page("/?q=stub", prepare=lambda page: page.route("**/api/search?*", problem(401, "Sign in first.")))
    page.wait_for_url("**/login")
    page.unroute("**/api/search?*")
    stub_pages(page, 3)
    page.goto("/")
    settled(page)
    assert parameter(page, "q") == ["stub"]


def test_the_next_query_replaces_one_that_is_not_answered_yet(open_page):
    page = open_page("/?q=first", prepare=stub_stream)
    wait_for(page, "Boolean(window.sendEvent)")
    page.evaluate("window.first = window.sendEvent; window.sendEvent = undefined")
    search_without_waiting(page, "second")
    send(page, "results", answer([hit(2)]))
    send(page, "done", {})
    page.evaluate("data => { try { window.first('results', data) } catch {} }", answer([hit(1)]))
    page.wait_for_timeout(200)
    assert ids(page) == [2]


def search_without_waiting(page, text):
    page.fill("#text", text)
    page.press("#text", "Enter")
