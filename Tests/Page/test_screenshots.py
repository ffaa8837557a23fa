"""Writes the pictures of the README, with SCREENSHOTS=1."""

import os
from pathlib import Path

import pytest

from conftest import search

IMAGES = Path(__file__).parents[2] / "docs" / "images"

pytestmark = pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="SCREENSHOTS is not set")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_screenshots(open_page, query, scheme):
    IMAGES.mkdir(parents=True, exist_ok=True)
    page = open_page("/", color_scheme=scheme)
    search(page, query)
    page.mouse.move(5, 5)
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / f"page-results-{scheme}.png")
    page.locator(".tile a").first.click()
    page.locator(".word").last.click()
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / f"page-picture-{scheme}.png")


def test_screenshot_of_a_phone(open_page, query):
    IMAGES.mkdir(parents=True, exist_ok=True)
    page = open_page(f"/?q={query}", viewport={"width": 360, "height": 740}, device_scale_factor=2, is_mobile=True)
    page.wait_for_selector(".tile")
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "page-phone.png")
