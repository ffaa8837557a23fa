"""A picture opened large."""

import re

from playwright.sync_api import expect

from conftest import get, ids, parameter, settled, wait_for

MAP = """canvas => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let sum = 0;
  for (let index = 0; index < data.length; index += 97) sum = (sum * 31 + data[index]) % 1000000007;
  return sum;
}"""


def test_a_picture_is_opened_with_what_is_known_of_it(results):
    first = ids(results)[0]
    results.locator(".tile a").first.click()
    dialog = results.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert parameter(results, "picture") == [str(first)]
    record = get(results, f"/api/pictures/{first}")
    expect(dialog.locator("h2")).to_have_text(record["path"].rsplit("/")[-1])
    expect(dialog).to_contain_text(record["location"])
    expect(dialog).to_contain_text(re.compile(f"{record['width']:,} × {record['height']:,}"))
    for caption in record.get("captions", []):
        expect(dialog).to_contain_text(caption)
    wait_for(results, "document.querySelector('.frame img').src.includes('size=1280')")
    assert results.eval_on_selector(".frame img", "image => image.complete && image.naturalWidth > 0")


def test_words_draw_their_maps_over_the_picture(results, query):
    results.locator(".tile a").first.click()
    words = results.locator(".word")
    expect(words.first).to_be_visible()
    canvas = results.locator(".map")
    expect(canvas).not_to_have_class(re.compile("shown"))
    assert "".join(words.all_inner_texts()) == query.replace(" ", "")

    words.first.hover()
    expect(canvas).to_have_class(re.compile("shown"))
    expect(results.locator(".place")).to_contain_text("“" + words.first.inner_text() + "”")
    first = canvas.evaluate(MAP)
    words.nth(1).hover()
    wait_for(results, "document.querySelector('.map').dataset.word === document.querySelectorAll('.word')[1].textContent")
    assert canvas.evaluate(MAP) != first, "each word has its own map"
    frame, drawn = results.locator(".frame img").bounding_box(), canvas.bounding_box()
    assert frame == drawn, "the map covers the picture exactly"
    results.mouse.move(5, 400)
    expect(canvas).not_to_have_class(re.compile("shown"))

    words.first.focus()
    expect(canvas).to_have_class(re.compile("shown"))
    words.first.click()
    results.mouse.move(5, 400)
    expect(canvas).to_have_class(re.compile("shown"))
    expect(words.first).to_have_attribute("aria-pressed", "true")


def test_maps_are_interpolated_smoothly(open_page):
    page = open_page("/")
    columns = page.evaluate("""async () => {
      const { drawMap } = await import('/assets/explanation.js');
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 90;
      drawMap(canvas, { columns: 3, rows: 1, weights: [0, 1, 0] });
      const { data } = canvas.getContext('2d').getImageData(0, 45, 90, 1);
      return Array.from({ length: 90 }, (_, index) => data[index * 4 + 3]);
    }""")
    peak = columns.index(max(columns))
    assert 40 <= peak <= 49, "the strongest place is the middle of its cell"
    assert max(abs(one - other) for one, other in zip(columns, columns[1:])) <= 8, "no edges between cells"
    assert columns[0] < columns[peak]


def test_only_wanted_texts_are_explained(open_page):
    page = open_page("/")
    texts = page.evaluate("""async () => {
      const { wantedTexts } = await import('/assets/query.js');
      return ['a beach', 'a beach + 1.5*at night - people', '- people + dog', '"a + b" - c', 'well-known', '1.5*"a *b"', '+'].map(wantedTexts);
    }""")
    assert texts == [["a beach"], ["a beach", "at night"], ["dog"], ["a + b"], ["well-known"], ["a *b"], []]


def test_arrows_show_the_neighbours_and_back_closes(results):
    order = ids(results)
    results.locator(".tile a").nth(1).click()
    results.keyboard.press("ArrowRight")
    assert parameter(results, "picture") == [str(order[2])]
    results.keyboard.press("ArrowLeft")
    results.keyboard.press("ArrowLeft")
    assert parameter(results, "picture") == [str(order[0])]
    expect(results.get_by_role("button", name="Previous picture")).to_be_disabled()
    results.get_by_role("button", name="Next picture").click()
    assert parameter(results, "picture") == [str(order[1])]

    results.go_back()
    expect(results.get_by_role("dialog")).to_be_hidden()
    assert parameter(results, "picture") == [] and parameter(results, "q") != []
    assert ids(results)[:3] == order[:3]
    assert results.evaluate("document.activeElement.closest('.tile')?.hit.id") == order[1]
    results.go_forward()
    expect(results.get_by_role("dialog")).to_be_visible()


def test_a_shared_address_opens_the_same_picture_over_the_same_results(results, open_page):
    order = ids(results)
    results.locator(".tile a").nth(1).click()
    page = open_page(results.url)
    expect(page.get_by_role("dialog")).to_be_visible()
    settled(page)
    assert ids(page)[:2] == order[:2]
    expect(page.get_by_role("button", name="Next picture")).to_be_enabled()
    expect(page.locator(".word").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert parameter(page, "picture") == []


def test_a_picture_that_is_gone_is_said(open_page, expected_errors):
    expected_errors.append("404")
    page = open_page("/?picture=999999999")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
