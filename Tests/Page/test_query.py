"""What a query consists of besides its text: filters and pictures; and the address bar, which is the query."""

import base64
import re

import pytest
from playwright.sync_api import expect

from conftest import get, ids, parameter, search, settled, wait_for

DROP = """([selector, data, name]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: name.endsWith('.txt') ? 'text/plain' : 'image/webp' }));
  const target = document.querySelector(selector);
  for (const type of ['dragenter', 'dragover', 'drop']) {
    target.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    if (type === 'dragover') window.overlay = !document.getElementById('drop').hidden;
  }
}"""

PASTE = """data => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], 'image.webp', { type: 'image/webp' }));
  document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }));
}"""


def thumbnail(page, number):
    response = page.request.get(f"/api/pictures/{number}/thumbnail")
    assert response.ok
    return base64.b64encode(response.body()).decode()


def settle_at(page, name):
    """Waits until the address has a parameter, and the results are those of it."""
    wait_for(page, "name => new URL(location.href).searchParams.has(name)", arg=name)
    settled(page)


def test_a_dropped_picture_is_searched_by(results):
    first = ids(results)[0]
    results.evaluate(DROP, ["main", thumbnail(results, first), "a.webp"])
    settle_at(results, "upload")
    assert results.evaluate("window.overlay"), "the page says that a picture can be dropped"
    expect(results.locator("#drop")).to_be_hidden()
    assert parameter(results, "q") == []
    token, = parameter(results, "upload")
    expected = [one["id"] for one in get(results, "/api/search", upload=token, limit=100)["results"]]
    assert ids(results) == expected[:len(ids(results))]
    chip = results.locator("#terms .chip")
    expect(chip.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    wait_for(results, "document.querySelector('#terms img').naturalWidth > 0")
    chip.click()
    expect(results.locator("#message h2")).to_contain_text("Search")
    assert parameter(results, "upload") == []


def test_a_picture_dropped_on_the_search_box_is_added(results, query):
    results.evaluate(DROP, ["#text", thumbnail(results, ids(results)[0]), "a.webp"])
    settle_at(results, "upload")
    assert parameter(results, "q") == [query]


def test_a_pasted_picture_is_searched_by(results):
    results.evaluate(PASTE, thumbnail(results, ids(results)[0]))
    settle_at(results, "upload")
    assert parameter(results, "q") == []


def test_a_picture_is_chosen_from_a_file(results):
    body = base64.b64decode(thumbnail(results, ids(results)[0]))
    results.set_input_files("#file", {"name": "a.webp", "mimeType": "image/webp", "buffer": body})
    settle_at(results, "upload")


def test_what_is_not_a_picture_is_refused_and_the_results_stay(results, expected_errors):
    expected_errors.append("422")
    before = ids(results)
    results.evaluate(DROP, ["main", base64.b64encode(b"text").decode(), "a.txt"])
    expect(results.locator("#message")).to_contain_text("not a picture")
    results.set_input_files("#file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    results.get_by_role("button", name="Close").click()
    expect(results.locator("#message")).to_be_hidden()
    assert ids(results) == before


def test_plus_and_minus_push_the_query(results, query):
    first, second = ids(results)[:2]
    tile = results.locator(".tile").nth(0)
    tile.hover()
    tile.get_by_role("button", name="Less like this").click()
    settle_at(results, "unlike")
    assert (parameter(results, "q"), parameter(results, "unlike")) == ([query], [str(first)])
    expected = [one["id"] for one in get(results, "/api/search", q=query, unlike=first, limit=100)["results"]]
    assert ids(results)[:5] == expected[:5]

    tile = results.locator(f".tile:has(a[href$='picture={expected[1]}'])")
    tile.hover()
    tile.get_by_role("button", name="More like this").click()
    settle_at(results, "like")
    chips = results.locator("#terms .chip")
    expect(chips).to_have_count(2)
    chips.first.click()
    expect(chips).to_have_count(1)
    assert parameter(results, "like") == []
    assert parameter(results, "unlike") == [str(first)]


def test_similar_pictures_replace_the_text(results):
    first = ids(results)[0]
    tile = results.locator(".tile").nth(0)
    tile.hover()
    tile.get_by_role("button", name="similar").click()
    settle_at(results, "like")
    assert (parameter(results, "q"), parameter(results, "like")) == ([], [str(first)])
    expect(results.locator("#text")).to_have_value("")


def test_folders_are_a_tree_and_filter(results, query):
    folders = get(results, "/api/statistics")["folders"]
    found = get(results, "/api/search", q=query, limit=100)["results"]
    nested = [one["path"].rsplit("/", 1)[0] for one in found if one["path"].count("/") > 1]
    if not nested:
        pytest.skip("no folders in folders")
    folder = nested[0]
    results.locator(".opener", has_text="Folder").click()
    menu = results.locator("#menu-folder")
    parts = folder.split("/")
    for depth in range(1, len(parts)):
        menu.get_by_role("button", name=f"Folders in {parts[depth - 1]}", exact=True).first.click()
    option = menu.locator(f"input[value='{folder}']")
    expected = next(one["pictures"] for one in folders if one["path"] == folder)
    expect(menu.locator(".option:has(input[value='" + folder + "'])").locator(".count")).to_have_text(f"{expected:,}")
    option.check()
    settle_at(results, "under")
    assert parameter(results, "under") == [folder]
    inside = [one["id"] for one in get(results, "/api/search", q=query, under=folder, limit=100)["results"]]
    assert ids(results) == inside[:len(ids(results))]
    results.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    chip = results.locator("#chips .chip")
    expect(chip).to_have_text(f"in {folder}")
    chip.click()
    assert parameter(results, "under") == []
    expect(option).not_to_be_checked()


def test_a_range_of_dates_is_dragged_over_the_histogram(results, query):
    months = get(results, "/api/statistics")["months"]
    if len(months) < 4:
        pytest.skip("too few dates")
    results.locator(".opener", has_text="Date").click()
    histogram = results.locator(".histogram")
    bars = histogram.locator("rect").count()
    box = histogram.bounding_box()
    at = lambda part: box["x"] + box["width"] * part
    results.mouse.move(at(0.3), box["y"] + 40)
    results.mouse.down()
    results.mouse.move(at(0.5), box["y"] + 40)
    results.mouse.move(at(0.7), box["y"] + 40)
    results.mouse.up()
    settle_at(results, "since")
    since, until = parameter(results, "since")[0], parameter(results, "until")[0]
    assert months[0]["month"][:len(since)] < since <= until < months[-1]["month"]
    assert 0 < histogram.locator("rect.in").count() < bars
    for one in get(results, "/api/search", q=query, since=since, until=until, limit=20)["results"]:
        assert since <= one.get("taken", one["modified"])[:len(since)] and one.get("taken", one["modified"])[:len(until)] <= until
    expect(results.locator("#chips .chip")).to_have_text([f"from {since}", f"to {until}"])
    results.get_by_role("button", name="Clear all").click()
    assert parameter(results, "since") == parameter(results, "until") == []


def test_dates_can_be_typed(results):
    if not get(results, "/api/statistics")["months"]:
        pytest.skip("no dates")
    results.locator(".opener", has_text="Date").click()
    results.locator("#menu-date").get_by_label("From").fill("2001-02")
    wait_for(results, "new URL(location.href).searchParams.get('since') === '2001-02'")


def test_one_camera_is_chosen(results, query):
    cameras = get(results, "/api/statistics")["cameras"]
    if not cameras:
        pytest.skip("no cameras")
    camera = cameras[0]["camera"]
    results.locator(".opener", has_text="Camera").click()
    results.locator("#menu-camera").get_by_label(camera).check()
    settle_at(results, "camera")
    expected = [one["id"] for one in get(results, "/api/search", q=query, camera=camera, limit=100)["results"]]
    assert ids(results) == expected[:len(ids(results))]
    results.locator("#menu-camera").get_by_label("any").check()
    assert parameter(results, "camera") == []


def test_types_are_chosen(open_page, query):
    page = open_page(f"/?q={query}")
    types = get(page, "/api/statistics")["types"]
    if len(types) < 2:
        pytest.skip("one type only")
    settled(page)
    kind = get(page, "/api/search", q=query, limit=1)["results"][0]["type"]
    page.locator(".opener", has_text="Type").click()
    page.locator(f"#menu-type input[value='{kind}']").check()
    settle_at(page, "type")
    assert parameter(page, "type") == [kind]


def test_shape_is_chosen(results, query):
    results.locator(".opener", has_text="More").click()
    results.get_by_label("landscape").check()
    wait_for(results, "new URL(location.href).searchParams.get('shape') === 'landscape'")
    settled(results)
    boxes = results.eval_on_selector_all(".tile", "tiles => tiles.map(tile => [tile.hit.width, tile.hit.height])")
    assert boxes and all(width > height for width, height in boxes)


def test_back_and_forward_restore_queries_and_scroll(results, query):
    order = ids(results)[:5]
    results.mouse.wheel(0, 900)
    wait_for(results, "scrollY > 300")
    top = results.evaluate("scrollY")
    search(results, f"{query} + outside")
    assert results.evaluate("scrollY") == 0
    results.go_back()
    expect(results.locator("#text")).to_have_value(query)
    wait_for(results, "top => scrollY === top", arg=top)
    results.evaluate("scrollTo(0, 0)")
    wait_for(results, "first => document.querySelector('.tile').hit.id === first", arg=order[0])
    assert ids(results)[:5] == order
    results.go_back()
    expect(results.locator("#message h2")).to_contain_text("Search")
    expect(results.locator(".tile")).to_have_count(0)
    results.go_forward()
    expect(results.locator("#text")).to_have_value(query)
    settled(results)
    assert ids(results)[:5] == order


def test_a_shared_address_restores_the_whole_query(open_page, query, results):
    first, second = ids(results)[:2]
    address = f"/?q={query}&like={first}&unlike={second}&shape=landscape&since=1990"
    page = open_page(address)
    settled(page)
    expect(page.locator("#text")).to_have_value(query)
    expect(page.locator("#terms .chip")).to_have_count(2)
    expect(page.locator("#chips .chip")).to_have_text(["from 1990", "landscape"])
    expect(page.locator("#menu-more").get_by_label("landscape")).to_be_checked()
