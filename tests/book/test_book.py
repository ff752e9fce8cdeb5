"""The built book, page by page, without a browser."""

import re

import pytest

import book
from facelib import results, weights


@pytest.fixture(scope="module")
def html(root):
    folder = root / "_build" / "html"
    assert (folder / "index.html").is_file(), "run `make book`"
    return folder


@pytest.fixture(scope="module")
def pages():
    return book.pages()


def test_every_page_of_the_contents_was_built(html, pages):
    assert len(pages) >= 3
    for page in pages:
        assert (html / f"{page}.html").stat().st_size > 5000, page


def test_every_picture_has_alt_text(html, pages):
    for page in pages:
        # Widgets keep their pictures in a script; the browser tests look at those.
        text = re.sub(r"<script.*?</script>", "", (html / f"{page}.html").read_text(), flags=re.S)
        for image in re.findall(r"<img [^>]*>", text):
            assert re.search(r'alt="[^"]{3,}"', image), (page, image[:200])


def test_scripts_come_from_the_book_itself(html, pages):
    for page in pages:
        text = (html / f"{page}.html").read_text()
        sources = re.findall(r'<script[^>]* src="([^"]+)"', text)
        sources += re.findall(r'<link[^>]*stylesheet[^>]* href="([^"]+)"', text)
        assert not [source for source in sources if source.startswith(("http", "//"))], page


def test_sliders_of_a_page_stay_small(html, pages):
    for page in pages:
        text = (html / f"{page}.html").read_text()
        states = re.findall(
            r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>', text, flags=re.S
        )
        assert len(states) == (1 if page.startswith("chapters/") else 0), page
        assert sum(map(len, states)) < 1e6, page


def test_what_a_training_prints_stands_in_one_box(html):
    """However many pieces it came in: the last epoch of a short run stands where the first does."""
    text = (html / "chapters" / "03_dcgan.html").read_text()
    boxes = [set(re.findall(r"epoch (\d+)/(\d+)", box)) for box in re.findall(r"<pre>(.*?)</pre>", text, flags=re.S)]
    runs = [box for box in boxes if box]
    assert runs and all({(str(i + 1), of) for i in range(int(of))} <= box for box in runs for _, of in box)


def test_parameters_are_said_once_unless_others_were_given(html, pages, root):
    others = (root / "_build" / "settings").read_text().split() != ["quick", "synthetic"]
    for page in pages:
        if page.startswith("chapters/"):
            assert ("# Parameters</span>" in (html / f"{page}.html").read_text()) == others, page


def test_chapters_can_be_opened_on_colab(html, pages, root):
    address = re.search(r"url: https://github.com/(\S+)", (root / "_config.yml").read_text()).group(1)
    for page in pages:
        if page.startswith("chapters/"):
            link = f"https://colab.research.google.com/github/{address}/blob/main/{page}.ipynb"
            assert link in (html / f"{page}.html").read_text()


def test_the_page_of_weights_has_every_card_and_its_pictures(html):
    text = (html / "book" / "weights.html").read_text()
    assert "{{" not in text
    for name, card in weights.catalog().items():
        assert f'id="weights-{name}"' in text and card["sha256"][:16] in text, name
    pictures = re.findall(r'src="(\.\./_images/[^"]+\.jpg)"', text)
    assert len(pictures) >= len(results.sheets("cards"))
    assert all((html / "book" / picture).resolve().is_file() for picture in pictures)
