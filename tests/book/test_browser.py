"""The built book in headless Chromium: sliders move, formulas are set, and no request leaves the machine."""

import json
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select
from wait import wait

import book

CHAPTERS = [page for page in book.pages() if page.startswith("chapters/")]


@pytest.fixture(scope="module", params=CHAPTERS)
def chapter(request, browser, site):
    browser.get(f"{site}/{request.param}.html")
    wait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".widget-slider [role=slider]"))
    return browser


def shown(browser):
    """Alt text of the slider's picture that is visible now."""
    images = browser.find_elements(By.CSS_SELECTOR, ".jupyter-widgets img")
    return [image.get_attribute("alt") for image in images if image.is_displayed()]


def handle(browser):
    return browser.find_element(By.CSS_SELECTOR, ".widget-slider [role=slider]")


def test_each_widget_shows_one_picture(chapter):
    """A board has several sliders and one picture."""
    widgets = chapter.find_elements(By.CSS_SELECTOR, ".jupyter-widgets.widget-vbox:has(> .widget-slider)")
    pictures = [
        [image for image in widget.find_elements(By.CSS_SELECTOR, "img") if image.is_displayed()] for widget in widgets
    ]
    assert len(widgets) >= 1 and [len(seen) for seen in pictures] == [1] * len(widgets)
    assert len(shown(chapter)) == len(widgets)


def test_keyboard_moves_the_slider(chapter):
    before = shown(chapter)
    # To the left first: a slider over time starts at its end.
    handle(chapter).send_keys(Keys.ARROW_LEFT)
    wait(chapter, 5).until(lambda b: shown(b) != before)
    handle(chapter).send_keys(Keys.ARROW_RIGHT)
    wait(chapter, 5).until(lambda b: shown(b) == before)


def test_mouse_moves_the_slider(chapter):
    before = shown(chapter)
    chapter.execute_script("arguments[0].scrollIntoView({block: 'center'})", handle(chapter))
    ActionChains(chapter).drag_and_drop_by_offset(handle(chapter), -150, 0).perform()
    wait(chapter, 5).until(lambda b: shown(b) != before)
    image = [i for i in chapter.find_elements(By.CSS_SELECTOR, ".jupyter-widgets img") if i.is_displayed()][0]
    assert image.size["width"] > 200 and image.size["height"] > 50
    assert chapter.execute_script("return arguments[0].naturalWidth", image) > 0


def test_screen_readers_hear_name_and_value(chapter):
    name = handle(chapter).get_attribute("aria-label")
    assert name and f"({name}: " in shown(chapter)[0]
    before = handle(chapter).get_attribute("aria-valuetext")
    handle(chapter).send_keys(Keys.ARROW_RIGHT)
    wait(chapter, 5).until(lambda b: handle(b).get_attribute("aria-valuetext") != before)
    assert handle(chapter).get_attribute("aria-valuetext") in shown(chapter)[0]


def test_formulas_are_set(chapter):
    wait(chapter, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, "mjx-math"))
    # In one question: one for each paragraph takes seconds a page.
    texts = "return [...document.querySelectorAll('article :is(p, li, td)')].map(part => part.innerText)"
    prose = chapter.execute_script(texts)
    assert len(prose) > 20 and not [text for text in prose if "$" in text]


def test_solutions_are_hidden_until_asked_for(chapter):
    details = chapter.find_elements(By.CSS_SELECTOR, "details.hide")
    assert len(details) >= 2 and not any(d.get_attribute("open") for d in details)


@contextmanager
def screen(browser, width):
    # A headless window is never narrower than 500 pixels; an emulated phone is.
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert browser.execute_script("return window.innerWidth") == width
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page(chapter, width):
    with screen(chapter, width):
        assert chapter.execute_script("return document.documentElement.scrollWidth") <= width + 1


CODE = (
    "return [...document.querySelectorAll('.bd-article pre')].filter(code => code.clientWidth)"
    ".map(code => [code.scrollWidth, code.clientWidth])"
)


@pytest.mark.parametrize("width", [1280, 1366, 1920])
def test_code_and_tables_of_layers_need_no_scrolling(chapter, width):
    """Nor those of solutions, which are narrower, nor commands between paragraphs."""
    solutions = "document.querySelectorAll('details.hide').forEach(solution => solution.open = {})"
    with screen(chapter, width):
        chapter.execute_script(solutions.format("true"))
        code = chapter.execute_script(CODE)
        chapter.execute_script(solutions.format("false"))
    assert len(code) > 10 and not [(wanted, there) for wanted, there in code if wanted > there]


def test_commands_of_the_first_page_need_no_scrolling(browser, site):
    with screen(browser, 1280):
        browser.get(f"{site}/index.html")
        wait(browser, 30).until(lambda b: len(b.execute_script(CODE)) >= 2)
        assert not [(wanted, there) for wanted, there in browser.execute_script(CODE) if wanted > there]


@pytest.fixture(scope="module")
def visited(browser, site):
    """All pages, with everything that they load: what their contents measure, the addresses asked for, the errors."""
    unfold = "document.querySelectorAll('.bd-sidebar-secondary ul').forEach(list => list.style.display = 'block')"
    widths = (
        "return [...document.querySelectorAll('.bd-sidebar-secondary, .bd-sidebar-secondary *')]"
        ".filter(part => part.clientWidth).map(part => [part.scrollWidth, part.clientWidth, part.className])"
    )
    contents, names = {}, 0
    for page in ["index", *book.pages()]:
        browser.get(f"{site}/{page}.html")
        wait(browser, 30).until(lambda b: b.execute_script("return document.readyState") == "complete")
        browser.execute_script(unfold)
        contents[page] = browser.execute_script(widths)
        names += len(browser.find_elements(By.CSS_SELECTOR, ".bd-sidebar-secondary .toc-entry > a"))
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return SimpleNamespace(
        contents=contents,
        names=names,
        urls={m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"},
        errors=[entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"],
    )


def test_the_contents_of_a_page_are_not_cut_off(visited):
    """Nor those of its sections, which show where the reader is."""
    for page, parts in visited.contents.items():
        assert not [part for part in parts if part[0] > part[1]], page
    assert visited.names > 100


def test_a_menu_chooses_what_the_slider_moves(browser, site):
    browser.get(f"{site}/chapters/04_conditional_gan.html")
    wait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".widget-dropdown select"))
    chosen = Select(browser.find_element(By.CSS_SELECTOR, ".widget-dropdown select"))
    for option in (chosen.options[-1].text, chosen.options[1].text):
        chosen.select_by_visible_text(option)
        wait(browser, 5).until(lambda b, option=option: f": {option}" in shown(b)[0])
        before = shown(browser)
        handle(browser).send_keys(Keys.ARROW_LEFT)
        wait(browser, 5).until(lambda b, before=before: shown(b) != before)
        assert len(shown(browser)) == 1 and f": {option}" in shown(browser)[0]


def test_no_request_leaves_the_machine(visited, site):
    assert any("embed-amd.js" in url for url in visited.urls)
    # A browser's own pages, such as the empty tab with which it starts, are not the book's.
    local = (site, "data:", "blob:", "about:", "chrome:", "chrome-untrusted:")
    assert not [url for url in visited.urls if not url.startswith(local)]
    # The theme calls a first visit, with no theme chosen, an error.
    usual = ("favicon", "invalid theme mode")
    assert not [message for message in visited.errors if not any(word in message for word in usual)]


def test_every_slider_of_a_board_moves_its_picture(browser, site):
    browser.get(f"{site}/chapters/07_arithmetic.html")
    wait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".widget-slider [role=slider]"))
    knobs = {
        knob.get_attribute("aria-label"): knob
        for knob in browser.find_elements(By.CSS_SELECTOR, ".widget-slider [role=slider]")
    }

    def picture(b):
        return [alt for alt in shown(b) if "smile: " in alt][0]

    # In turns, so that each has to find the others where they were left.
    for name, key in [("smile", Keys.ARROW_RIGHT), ("glasses", Keys.ARROW_RIGHT), ("man", Keys.ARROW_LEFT)]:
        for press in (key, Keys.ARROW_LEFT if key == Keys.ARROW_RIGHT else Keys.ARROW_RIGHT, key):
            before = picture(browser)
            knobs[name].send_keys(press)
            wait(browser, 5).until(lambda b, before=before: picture(b) != before)
            for knob in ("smile", "man", "glasses"):
                assert f"{knob}: {knobs[knob].get_attribute('aria-valuetext')}" in picture(browser)
