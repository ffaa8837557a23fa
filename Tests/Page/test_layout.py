"""The grid: rows that fill the width, no shifts, phone width, and 10,000 results."""

from playwright.sync_api import expect

from conftest import ids, settled, wait_for
from stubs import stub_pages

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
BOXES = "tiles => tiles.map(tile => { const { left, top, right, bottom } = tile.getBoundingClientRect(); return [left, top, right, bottom]; })"


def rows(page):
    """The edges of the tiles, by row."""
    found = {}
    for left, top, right, bottom in page.eval_on_selector_all(".tile", BOXES):
        found.setdefault(round(top), []).append((left, right, bottom - top))
    return [found[top] for top in sorted(found)]


def test_rows_are_justified(open_page):
    page = open_page("/?q=stub", prepare=lambda page: stub_pages(page, 60))
    settled(page)
    left, right = page.evaluate("(({ left, right }) => [left, right])(document.getElementById('grid').getBoundingClientRect())")
    for row in rows(page)[:-1]:
        assert abs(row[0][0] - left) <= 1 and abs(row[-1][1] - right) <= 1
        assert len({height for _, _, height in row}) == 1
        for (_, end, _), (start, _, _) in zip(row, row[1:]):
            assert 2 <= start - end <= 9


def test_pictures_keep_their_proportions(open_page):
    page = open_page("/?q=stub", prepare=lambda page: stub_pages(page, 60))
    settled(page)
    for shown, own in page.eval_on_selector_all(
            ".tile", "tiles => tiles.map(tile => [tile.clientWidth / tile.clientHeight, tile.hit.width / tile.hit.height])"):
        assert abs(shown / own - 1) < 0.03


def test_nothing_shifts_while_results_arrive(open_page, query):
    page = open_page("/")
    page.evaluate("""() => {
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    }""")
    page.goto(f"/?q={query}")
    page.evaluate("""() => {
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) window.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    }""")
    settled(page)
    page.wait_for_timeout(500)
    assert page.evaluate("window.shift") < 0.05


def test_a_phone_needs_no_horizontal_scrolling(open_page, query):
    page = open_page("/", **PHONE)
    page.wait_for_selector("#message h2")

    def assert_fits(what):
        width = page.evaluate("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        assert width <= 360, f"{what} is {width} pixels wide"

    assert_fits("the start page")
    page.goto(f"/?q={query}&since=1990&until=2100&shape=landscape")
    settled(page)
    assert_fits("the page of results")
    assert len(rows(page)[0]) >= 2, "several pictures beside each other"
    order = ids(page)
    page.locator(".opener", has_text="Date").tap()
    box = page.locator("#menu-date").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360 and box["y"] + box["height"] <= 741
    page.keyboard.press("Escape")
    page.locator(".tile a").first.tap()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.wait_for_selector(".word")
    assert dialog.evaluate("dialog => dialog.scrollWidth") <= 360
    page.locator(".word").first.tap()
    expect(page.locator(".map.shown")).to_be_visible()
    panel = page.locator(".panel")
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    page.get_by_role("button", name="Next picture").tap()
    wait_for(page, "id => new URL(location.href).searchParams.get('picture') === String(id)", arg=order[1])
    page.get_by_role("button", name="Close").tap()
    expect(dialog).to_be_hidden()
    assert_fits("the page after the dialog")


def test_ten_thousand_results_scroll_with_bounded_memory(open_page):
    page = open_page("/?q=stub", prepare=lambda page: stub_pages(page, 10_000))
    settled(page)
    nodes = "document.getElementsByTagName('*').length"
    heap = "(gc(), gc(), performance.memory.usedJSHeapSize)"
    most, before = page.evaluate(nodes), page.evaluate(heap)
    for _ in range(400):
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_timeout(30)
        most = max(most, page.evaluate(nodes))
        if page.locator("#status").inner_text() == "10,000 pictures":
            break
    expect(page.locator("#status")).to_have_text("10,000 pictures")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_timeout(200)
    assert page.evaluate("Math.max(...[...document.querySelectorAll('.tile')].map(tile => tile.hit.id))") == 10_000
    assert page.locator(".tile").last.get_attribute("aria-setsize") == "10000"
    assert most < 2_500, "only pictures near the viewport are in the DOM"
    grown = page.evaluate(heap) - before
    assert grown < 12 * 2**20, f"the heap has grown by {grown / 2**20:.1f} MiB"

    # Fast scrolling through all of them shows pictures wherever it stops.
    for part in (0.9, 0.5, 0.1, 0):
        page.evaluate("part => scrollTo(0, document.documentElement.scrollHeight * part)", part)
        wait_for(page, """() => [...document.querySelectorAll('.tile')].filter((tile) => {
          const { top, bottom } = tile.getBoundingClientRect();
          return top < innerHeight && bottom > 150;
        }).length >= 8""")
    assert page.evaluate(nodes) < 2_500


def test_the_next_page_is_asked_for_once_and_follows_the_first(open_page):
    page = open_page("/?q=stub", prepare=lambda page: stub_pages(page, 250))
    settled(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url) if "cursor=" in request.url else None)
    for _ in range(30):
        page.mouse.wheel(0, 1500)
        page.wait_for_timeout(20)
    expect(page.locator("#status")).to_have_text("250 pictures")
    assert len(asked) == len(set(asked)) <= 2
    assert page.evaluate("Math.max(...[...document.querySelectorAll('.tile')].map(tile => tile.hit.id))") == 250
