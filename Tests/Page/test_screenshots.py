"""Writes the pictures of the README, with SCREENSHOTS=1."""

import os
from pathlib import Path

import pytest

from conftest import search

IMAGES = Path(__file__).parents[2] / "docs" / "images"

pytestmark = pytest.mark.skipif(not os.environ.get("SCREENSHOTS"), reason="SCREENSHOTS is not set")


def test_screenshots(open_page, query):
    IMAGES.mkdir(parents=True, exist_ok=True)
    page = open_page("/", color_scheme="light")
    search(page, query)
    page.mouse.move(5, 5)
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "page-results.png")
    page.locator(".tile a").first.click()
    page.locator(".word").last.click()
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / "page-picture.png")
