"""Every page passes axe, in the light and in the dark theme, without a serious finding."""

import pytest
from selenium.webdriver.common.by import By
from wait import wait

import book

# Buttons fade from one theme's colours to the other's: axe would read one that is on its way.
STILL = """
const style = document.createElement("style");
style.textContent = "*, *::before, *::after { transition: none !important; animation: none !important }";
document.head.append(style);
"""

# Two thirds of a chapter are words of its code. One of a kind in an input, and one in an output, speak for the others.
ONE_OF_EACH = """
const words = [...document.querySelectorAll(".highlight span[class]")], kinds = new Map();
for (const word of words) {
  const kind = word.className + !!word.closest(".cell_output");
  if (!kinds.has(kind) && word.checkVisibility()) kinds.set(kind, word);
}
const kept = new Set(kinds.values());
for (const word of words) if (!kept.has(word)) word.replaceWith(...word.childNodes);
return kept.size;
"""


@pytest.fixture(scope="module")
def axe(root):
    path = root / "_build" / "scripts-tests" / "axe.min.js"
    assert path.is_file(), "this book was built without npm: there is no axe to ask"
    return path.read_text()


@pytest.mark.parametrize("page", ["index", *book.pages()])
def test_axe_finds_nothing_serious(browser, site, axe, page):
    browser.get(f"{site}/{page}.html")
    if browser.find_elements(By.CSS_SELECTOR, "#explorer"):
        wait(browser, 30).until(lambda b: b.execute_script("return !!window.latentExplorer"))
        folded = "document.querySelectorAll('#explorer :is(.ex-raw, .ex-photo)')"
        browser.execute_script(f"for (const part of {folded}) [part.open, part.hidden] = [true, false]")
    browser.execute_script(STILL)
    kinds = browser.execute_script(ONE_OF_EACH)
    assert kinds > 5 or not page.startswith("chapters/")
    browser.execute_script(axe)
    assert serious(browser, "light", {}) == []
    # All that another theme changes is colours.
    assert serious(browser, "dark", {"runOnly": ["color-contrast"]}) == []


def serious(browser, theme, options):
    """What axe finds, but for the minor and the moderate."""
    browser.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
    run = "const [how, done] = arguments; axe.run(how).then((r) => done(r.violations), (e) => done([{id: String(e)}]))"
    browser.set_script_timeout(120)
    return [
        f"{found['id']}: {found.get('help')}: {[node['html'][:150] for node in found.get('nodes', [])[:3]]}"
        for found in browser.execute_async_script(run, options | {"resultTypes": ["violations"], "preload": False})
        if found.get("impact") not in ("minor", "moderate")
    ]
