"""The page without a pointer."""

import re

from playwright.sync_api import expect

from conftest import ids, parameter, settled, wait_for

ACTIVE = "document.activeElement.closest('.tile')?.hit.id"
BOX = "(() => { const box = document.activeElement.getBoundingClientRect(); return [box.left, box.top, box.right, box.bottom]; })()"


def test_a_search_from_the_slash_to_the_picture_and_back(open_page, query):
    page = open_page("/")
    page.wait_for_selector("#message h2")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()
    expect(page.locator("#text")).to_have_value("")
    page.keyboard.type(query)
    page.keyboard.press("Enter")
    settled(page)
    order = ids(page)

    page.keyboard.press("ArrowDown")
    assert page.evaluate(ACTIVE) == order[0]
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(ACTIVE) == order[1]
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("ArrowRight")
    assert parameter(page, "picture") == [str(order[2])]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate(ACTIVE) == order[2], "the focus is on the picture seen last"
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_up_and_down_go_by_geometry(results):
    results.keyboard.press("ArrowDown")
    results.keyboard.press("ArrowRight")
    left, top, right, bottom = results.evaluate(BOX)
    start = results.evaluate(ACTIVE)
    results.keyboard.press("ArrowDown")
    below = results.evaluate(BOX)
    assert below[1] >= bottom
    assert below[0] <= (left + right) / 2 <= below[2] + 10
    for _ in range(12):
        results.keyboard.press("ArrowDown")
        top_of_header = results.evaluate("document.querySelector('header').getBoundingClientRect().bottom")
        box = results.evaluate(BOX)
        assert box[1] >= top_of_header - 1 and box[3] <= 801, "the focused picture is in view"
    results.keyboard.press("Home")
    assert results.evaluate(ACTIVE) == results.evaluate("document.querySelector('.tile').hit.id")
    results.keyboard.press("ArrowRight")
    assert results.evaluate(ACTIVE) == start


def test_focus_is_visible_and_tab_stops_are_few(results):
    results.locator("#text").focus()
    stops = []
    for _ in range(16):
        results.keyboard.press("Tab")
        stops.append(results.evaluate("""(() => {
          const focused = document.activeElement;
          const style = getComputedStyle(focused.closest('.tile') && focused.matches('a') ? focused.parentElement : focused, focused.matches('.tile > a') ? '::after' : null);
          const isVisible = style.outlineStyle !== 'none' || style.boxShadow !== 'none' || focused.matches('#file');
          return [focused.getAttribute('aria-label') ?? focused.textContent, isVisible, Boolean(focused.closest('.tile'))];
        })()"""))
        if stops[-1][2] and len([stop for stop in stops if stop[2]]) == 4:
            break
    names = [name for name, _, _ in stops]
    assert names[0] == "Search by a picture from a file"
    assert names.index("Folder") < names.index("Date") < names.index("More")
    assert [name.split(" ")[0] for name, _, inside in stops if inside][1:] == ["More", "Less", "Search"]
    assert all(visible for name, visible, _ in stops if name != "BODY"), stops
    results.keyboard.press("Tab")
    assert not results.evaluate("Boolean(document.activeElement.closest('.tile'))"), "one picture of the grid is a Tab stop"


def test_plus_and_minus_keys_push_the_query(results):
    results.keyboard.press("ArrowDown")
    first = results.evaluate(ACTIVE)
    results.keyboard.press("-")
    wait_for(results, "new URL(location.href).searchParams.has('unlike')")
    assert parameter(results, "unlike") == [str(first)]


def test_menus_work_with_the_keyboard(results):
    results.locator(".opener", has_text="More").focus()
    results.keyboard.press("Enter")
    menu = results.locator("#menu-more")
    expect(menu).to_be_visible()
    results.keyboard.press("Tab")
    assert results.evaluate("document.activeElement.closest('.menu')?.id") == "menu-more"
    results.keyboard.press("ArrowDown")
    wait_for(results, "new URL(location.href).searchParams.get('shape') === 'portrait'")
    expect(menu).to_be_visible()
    results.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(results.locator(".opener", has_text="More")).to_be_focused()


def test_words_are_explained_with_the_keyboard(results):
    results.locator(".tile a").first.click()
    results.wait_for_selector(".word")
    for _ in range(12):
        results.keyboard.press("Tab")
        if results.evaluate("document.activeElement.matches('.word')"):
            break
    expect(results.locator(".map")).to_have_class(re.compile("shown"))
    results.keyboard.press("Enter")
    expect(results.locator(".word[aria-pressed=true]")).to_have_count(1)


def test_chips_are_removed_one_after_another(open_page, query):
    page = open_page(f"/?q={query}&since=1990&until=2100")
    settled(page)
    page.locator("#chips .chip").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#chips .chip")).to_have_count(1)
    expect(page.locator("#chips .chip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
