"""axe-core finds nothing, in light and dark, in every state of the page."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conftest import search


def violations(page):
    found = Axe().run(page).response["violations"]
    return [(one["id"], one["impact"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(open_page, query, scheme, width):
    page = open_page("/", color_scheme=scheme, viewport={"width": width, "height": 800})
    page.wait_for_selector("#message h2")
    assert violations(page) == []
    search(page, query)
    page.wait_for_timeout(400)
    page.locator(".tile a").first.focus()
    assert violations(page) == []
    page.locator(".opener", has_text="Folder").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator(".opener", has_text="More").click()
    page.get_by_label("landscape").check()
    page.keyboard.press("Escape")
    expect(page.locator("#chips .chip")).to_have_count(1)
    page.wait_for_selector(".tile")
    assert violations(page) == []
    page.locator(".tile a").first.click()
    page.wait_for_selector(".word")
    page.wait_for_selector(".facts dl")
    assert violations(page) == []
    page.locator(".word").first.click()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_sign_in_form(open_page, scheme):
    page = open_page("/", color_scheme=scheme)
    response = page.goto("/login#wrong")
    if response.status != 200 or not page.locator("#token").count():
        pytest.skip("the server has no sign-in form without a token file")
    assert violations(page) == []
    expect(page.locator("#wrong")).to_be_visible()


def test_the_page_obeys_its_content_security_policy(open_page, query):
    """An inline script or style would be refused, with an error in the console; open_page looks for those."""
    page = open_page("/")
    policy = page.request.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy and "unsafe" not in policy
    origin = page.evaluate("location.origin")
    search(page, query)
    names = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert names and all(name.startswith((origin, "data:", "blob:")) for name in names)


def test_the_number_of_results_is_announced(results):
    status = results.get_by_role("status").first
    expect(status).to_have_attribute("id", "status")
    expect(status).to_contain_text("picture")
    tiles = results.locator(".tile")
    assert [tiles.nth(index).get_attribute("aria-posinset") for index in range(3)] == ["1", "2", "3"]
