"""The latent explorer in headless Chromium: every control does what it says, by the sums of facelib."""

import base64
import json

import live
import numpy as np
import pytest
import skimage.data
from PIL import Image
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select
from wait import wait

from facelib import latent, results, weights

STEP = 1 / 1024  # of the grid that faces lie on
FIRST = next(iter(live.MODELS))


class Page:
    """The page, and a face's numbers as the address tells them."""

    def __init__(self, browser, site):
        self.browser, self.url = browser, f"{site}/book/explorer.html"

    def open(self, fragment=""):
        self.browser.get("about:blank")  # a new fragment alone would not load the page anew
        self.browser.get(f"{self.url}{fragment}")
        wait(self.browser, 60).until(lambda b: self.script("return !!window.latentExplorer"))
        return self.settle()

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, f"#explorer {selector}")

    def all(self, selector):
        return self.browser.find_elements(By.CSS_SELECTOR, f"#explorer {selector}")

    def settle(self):
        """Wait until everything that was asked for is drawn."""
        drawn = (
            "const e = window.latentExplorer; return [e.face, e.way, e.sum, e.ends.a, e.ends.b].every((s) => !s.busy)"
        )
        wait(self.browser, 20).until(
            lambda b: self.script(drawn) and self.find(".ex-face").get_attribute("data-shown") == self.hash
        )
        return self

    @property
    def hash(self):
        return self.script("return location.hash")

    @property
    def model(self):
        return self.hash[1:].split("/")[0]

    @property
    def z(self):
        return decoded(self.hash)

    def z_of(self, selector):
        return decoded(self.find(selector).get_attribute("data-shown"))

    def press(self, selector):
        self.script("arguments[0].click()", self.find(selector))
        return self.settle()

    def slide(self, selector, value):
        """Move a slider as a hand does: it says "input" on the way and "change" at the end."""
        text = (
            "const [s, v] = arguments; s.value = v; for (const e of ['input', 'change']) s.dispatchEvent(new Event(e));"
        )
        self.script(text, self.find(selector) if isinstance(selector, str) else selector, value)
        self.settle()

    def choose(self, model):
        Select(self.find(".ex-model")).select_by_value(model)
        wait(self.browser, 20).until(lambda b: self.model == model)
        return self.settle()

    def picture(self, selector=".ex-face"):
        """What a canvas shows, as the text of a PNG."""
        return self.script("return arguments[0].toDataURL()", self.find(selector))

    def readings(self):
        return live.arrays(self.model)["directions"].astype(np.float64) @ self.z

    def can(self, selector):
        return self.find(selector).get_attribute("aria-disabled") != "true"

    def status(self):
        return self.find(".ex-status").text


def decoded(address):
    text = address.split("/")[1]
    return np.frombuffer(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "<i2") * STEP


def on_grid(z):
    return np.floor(np.asarray(z, np.float64) / STEP + 0.5) * STEP  # JavaScript rounds halves up


@pytest.fixture(scope="module")
def opened(browser, site):
    browser.get_log("browser")
    return Page(browser, site).open()


@pytest.fixture
def page(opened):
    """The page as it begins; whatever a test does with it, the console shows no error."""
    opened.browser.get_log("browser")
    yield opened.open()
    severe = [entry["message"] for entry in opened.browser.get_log("browser") if entry["level"] == "SEVERE"]
    # The theme calls a first visit, with no theme chosen, an error.
    assert not [message for message in severe if "favicon" not in message and "invalid theme mode" not in message]


@pytest.fixture(scope="module")
def models():
    return {name: weights.load(name) for name in live.MODELS}


# --- the networks


@pytest.mark.parametrize("name", live.MODELS)
def test_faces_are_those_that_keras_draws(opened, models, name, measured):
    page = opened.open().choose(name)
    z = page.z
    script = (
        "const e = window.latentExplorer; e.model.decode(e.desk.z).then((picture) => arguments[0]([...picture.data]))"
    )
    pixels = page.browser.execute_async_script(script)
    size = models[name].image_size
    drawn = np.array(pixels, np.uint8).reshape(size, size, 4)
    wanted = models[name].decode(z[None].astype(np.float32))[0]
    assert (drawn[..., 3] == 255).all() and wanted.std() > 10
    assert np.abs(drawn[..., :3].astype(int) - wanted).max() <= 1  # a rounding apart
    page.browser.execute_async_script("window.latentExplorer.showSpeed().then(arguments[0])")
    rate = float(page.find(".ex-speed").get_attribute("data-rate"))
    measured(f"explorer: {name} ({size} px) draws {rate:.0f} faces a second on one WebAssembly thread")
    assert f"draws {rate:.0f} faces" in page.find(".ex-speed").text


def test_the_first_face_is_there_soon(page, measured):
    ready = page.script("return +document.getElementById('explorer').dataset.ready")
    measured(f"explorer: the first face is there {ready} ms after the page was asked for")
    assert 0 < ready < 60_000
    assert not page.find(".ex-still").is_displayed() and page.find(".ex-face").is_displayed()


def test_files_of_a_model_are_small(root):
    folder = root / "_build" / "html" / "live"
    for entry in json.loads((folder / "models.json").read_text())["models"]:
        assert 1e5 < sum((folder / file).stat().st_size for file in entry["files"].values()) < 6e6


def test_a_gpu_draws_the_same_and_the_faster_one_stays(page, measured):
    has_one = "return !!navigator.gpu && navigator.gpu.requestAdapter().then((adapter) => !!adapter)"
    if not page.script(has_one):
        pytest.skip("this browser has no WebGPU")
    wait(page.browser, 10).until(lambda b: page.find(".ex-gpu").is_displayed())
    before = page.picture()
    page.script("arguments[0].click()", page.find(".ex-gpu"))
    wait(page.browser, 120).until(lambda b: "Faces a second" in page.status())
    measured(f"explorer: {page.status()}")
    stays = page.script("return window.latentExplorer.model.backend")
    verdicts = {"wasm": "so WebAssembly stays.", "webgpu": "so the GPU draws for this model from now on."}
    assert page.status().endswith(verdicts[stays])
    assert page.settle().picture() == before
    drawn = """
        const [backend, done] = arguments, { model, desk } = window.latentExplorer;
        model.use(backend).then(() => model.decode(desk.z)).then((picture) => done([...picture.data]));
    """
    one, other = (page.browser.execute_async_script(drawn, backend) for backend in ("webgpu", "wasm"))
    assert np.abs(np.subtract(one, other)).max() <= 2


def test_a_gpu_that_fails_changes_nothing(page):
    page.script(
        "window.latentExplorer.model.use = (b) => Promise[b === 'webgpu' ? 'reject' : 'resolve'](Error('lost'))"
    )
    page.script("window.latentExplorer.tryGpu()")
    wait(page.browser, 20).until(lambda b: page.status().endswith("WebAssembly stays: lost"))
    page.script("delete window.latentExplorer.model.use")
    failing = """
        const [done] = arguments, { model } = window.latentExplorer;
        model.files.decoder = "no-such-file.onnx";
        model.use("webgpu").then(() => done("no error"), () => done(model.backend));
    """
    assert page.browser.execute_async_script(failing) == "wasm"
    page.browser.get_log("browser")
    # Nor one that fails at its first face.
    lost = """
        const { model } = window.latentExplorer, { decode } = model;
        model.use = (backend) => { model.backend = backend; return Promise.resolve(); };
        model.decode = (z) => model.backend === "wasm" ? decode.call(model, z) : Promise.reject(Error("gone"));
    """
    page.script(lost)
    page.script("window.latentExplorer.tryGpu()")
    wait(page.browser, 20).until(lambda b: page.status().endswith("WebAssembly stays: gone"))
    assert page.script("return window.latentExplorer.model.backend") == "wasm"
    page.script("delete window.latentExplorer.model.use; delete window.latentExplorer.model.decode")
    before = page.hash
    assert page.press(".ex-surprise").hash != before


# --- sliders


def test_a_direction_moves_z_along_itself(page):
    vectors = live.arrays(page.model)["directions"].astype(np.float64)
    for i in (0, len(vectors) - 1):
        before, input_ = page.z, page.all(".ex-directions input")[i]
        at = before @ vectors[i]
        asked = -2.0 if at > 0 else 2.0  # away from the slider's nearer end
        page.slide(input_, at + asked)
        took = float(input_.get_attribute("value")) - at
        assert abs(took - asked) < 0.2
        np.testing.assert_allclose(page.z - before, took * vectors[i], atol=0.03)
        assert np.corrcoef(page.z - before, asked * vectors[i])[0, 1] > 0.999


def test_other_sliders_are_held_if_asked(page):
    before = page.readings()
    asked = -1.5 if before[0] > 0 else 1.5
    page.slide(page.all(".ex-directions input")[0], before[0] + asked)
    leaning = page.readings() - before
    page.press(".ex-undo").press(".ex-hold")
    page.slide(page.all(".ex-directions input")[0], before[0] + asked)
    held = page.readings() - before
    assert np.abs(leaning[1:]).max() > 0.2
    assert np.abs(held[1:]).max() < 0.01 and abs(held[0] - leaning[0]) < 0.05


def test_a_raw_axis_moves_one_number(page):
    page.script("arguments[0].open = true", page.find(".ex-raw"))
    assert not page.can(".ex-less")
    page.press(".ex-more")
    axis = live.arrays(page.model)["axes"][8]
    assert page.find(".ex-axes label span:first-child").text == f"z {axis + 1}"
    before = page.z
    page.slide(page.all(".ex-axes input")[0], 2.4)
    changed = np.flatnonzero(page.z != before)
    assert changed.tolist() == [axis] and abs(page.z[axis] - 2.4) < 0.03
    page.press(".ex-less")
    assert page.find(".ex-axes label span:first-child").text == f"z {live.arrays(page.model)['axes'][0] + 1}"


def test_the_last_axes_can_be_reached(page):
    page.script("arguments[0].open = true", page.find(".ex-raw"))
    shown = [label.text for label in page.all(".ex-axes label span:first-child")]
    while page.can(".ex-more"):
        page.press(".ex-more")
        shown += [label.text for label in page.all(".ex-axes label span:first-child")]
    assert sorted(shown) == sorted(f"z {i + 1}" for i in range(len(page.z)))


# --- going back, and away


def test_undo_undoes_and_redo_does_again(page):
    first, picture = page.hash, page.picture()
    assert not page.can(".ex-undo")
    page.press(".ex-surprise")
    second = page.hash
    assert second != first and page.picture() != picture
    page.slide(page.all(".ex-directions input")[1], 3)
    third = page.hash
    page.press(".ex-undo")
    assert page.hash == second
    page.press(".ex-undo")
    assert page.hash == first and page.picture() == picture and not page.can(".ex-undo")
    page.press(".ex-redo").press(".ex-redo")
    assert page.hash == third and not page.can(".ex-redo")


def test_undo_goes_back_to_another_model(page):
    first = page.hash
    page.choose("vae-synthetic-80").press(".ex-surprise").press(".ex-undo")
    assert page.model == "vae-synthetic-80"
    page.press(".ex-undo")
    assert page.hash == first and page.find(".ex-model").get_attribute("value") == FIRST


def test_surprises_differ_and_are_as_long_as_faces(page):
    lengths = {}
    for name in (FIRST, "vae-portraits-80"):
        page.choose(name)
        drawn = []
        for _ in range(20):
            page.press(".ex-surprise")
            drawn.append(page.z)
        assert len({tuple(z) for z in drawn}) == 20
        lengths[name] = np.linalg.norm(drawn, axis=1).mean()
    assert 9.3 < lengths[FIRST] < 10.7  # √100
    kept = live.arrays("vae-portraits-80")
    mean, factor = kept["mean"].astype(float), kept["factor"].astype(float)
    usual = np.sqrt((mean**2).sum() + 0.8**2 * (factor**2).sum())
    assert 0.85 * usual < lengths["vae-portraits-80"] < 1.12 * usual  # without the factor of 0.8 it would be 1.25


@pytest.mark.parametrize("name", live.MODELS)
def test_the_address_restores_the_face(page, name):
    page.choose(name).press(".ex-surprise")
    address, picture = page.hash, page.picture()
    page.open(address)
    assert page.hash == address and page.picture() == picture
    assert page.find(".ex-model").get_attribute("value") == name


def test_a_link_on_the_page_to_another_face_is_followed(page):
    address = page.choose("vae-synthetic-80").press(".ex-surprise").hash
    page.open()
    page.script("location.hash = arguments[0]", address)
    wait(page.browser, 20).until(lambda b: page.model == "vae-synthetic-80")
    assert page.settle().hash == address


@pytest.mark.parametrize("address", ["#vae-synthetic-80/AAAA", "#nobody/AAAA", "#nowhere", f"#{FIRST}/%20%"])
def test_other_addresses_are_told_and_begin_as_usual(page, address):
    usual = page.hash
    page.open(address)
    assert page.hash == usual and "holds no face" in page.status()


def test_addresses_of_headings_are_no_faces(page):
    before = page.hash
    page.script("location.hash = '#what-you-are-moving'")
    page.browser.execute_async_script("setTimeout(arguments[0], 100)")
    assert page.status() == "" and page.script("return window.scrollY") > 500
    page.press(".ex-surprise")
    assert page.model == FIRST and page.hash != before
    page.open("#what-you-are-moving")
    assert page.status() == "" and page.hash == before


def test_a_model_keeps_its_face_while_another_is_used(page):
    first = page.press(".ex-surprise").hash
    second = page.choose("vae-portraits-80").hash
    assert page.choose(FIRST).hash == first
    assert page.choose("vae-portraits-80").hash == second


# --- shelf, way, sum


def test_the_shelf_gives_and_keeps_faces(page):
    shelf = live.arrays(page.model)["shelf"]
    buttons = page.all(".ex-shelf button")
    assert len(buttons) == len(shelf) == 24 and "smiling man" in buttons[23].get_attribute("aria-label")
    page.script("arguments[0].click()", buttons[23])
    np.testing.assert_array_equal(page.settle().z, on_grid(shelf[23]))
    kept = page.press(".ex-surprise").press(".ex-keep").hash
    page.press(".ex-surprise")
    page.script("arguments[0].click()", page.all(".ex-shelf button")[24])
    assert page.settle().hash == kept


def test_the_ends_of_the_way_are_the_faces(page):
    page.press(".ex-surprise").press("[data-end=a] button").press(".ex-surprise").press("[data-end=b] button")
    for t, end in ((0, "a"), (1, "b")):
        page.slide(".ex-t", t)
        for path in page.all("[name=ex-path]"):
            page.script("arguments[0].click()", path)
            np.testing.assert_array_equal(page.settle().z_of(".ex-way"), page.z_of(f"[data-end={end}] canvas"))
    assert page.hash == page.find("[data-end=b] canvas").get_attribute("data-shown")
    page.press(".ex-take-way")
    np.testing.assert_array_equal(page.z, page.z_of(".ex-way"))


def test_the_way_is_facelibs(page):
    a, b = page.z_of("[data-end=a] canvas"), page.z_of("[data-end=b] canvas")
    for name, path in {"lerp": latent.lerp, "slerp": latent.slerp}.items():
        page.press(f"[value={name}]")
        page.slide(".ex-t", 0.25)
        np.testing.assert_allclose(page.z_of(".ex-way"), path(a, b, 5)[1], atol=STEP)


def test_the_sum_is_facelibs(page):
    shelf = on_grid(live.arrays(page.model)["shelf"])
    kinds = {kind: shelf[6 * i : 6 * i + 6] for i, kind in enumerate(live.KINDS)}
    a, b, c = (kinds[kind] for kind in live.SUMS["portraits"])
    np.testing.assert_allclose(page.z_of(".ex-sum"), latent.arithmetic([a, c], [b]), atol=STEP)
    page.script("arguments[0].click()", page.all("[data-slot=a] .ex-thumb")[0])
    np.testing.assert_allclose(page.settle().z_of(".ex-sum"), latent.arithmetic([a[1:], c], [b]), atol=STEP)
    page.press(".ex-take-sum")
    np.testing.assert_array_equal(page.z, page.z_of(".ex-sum"))


def test_equal_terms_cancel(page):
    page.press(".ex-clear")
    assert not page.can(".ex-take-sum") and not page.all(".ex-slot .ex-thumb")
    page.press(".ex-surprise").press("[data-slot=b] > button").press("[data-slot=c] > button")
    page.press(".ex-surprise").press("[data-slot=b] > button").press("[data-slot=c] > button")
    page.press(".ex-surprise").press("[data-slot=a] > button")
    assert [len(page.all(f"[data-slot={slot}] .ex-thumb")) for slot in "abc"] == [1, 2, 2]
    np.testing.assert_array_equal(page.z_of(".ex-sum"), page.z)
    assert page.press(".ex-take-sum").find(".ex-face").get_attribute("data-shown") == page.hash


def test_faces_can_be_dragged(page):
    page.press(".ex-clear")
    drag = """
        const [from, to] = arguments, data = new DataTransfer();
        for (const [element, event] of [[from, "dragstart"], [to, "dragover"], [to, "drop"], [from, "dragend"]])
          element.dispatchEvent(new DragEvent(event, { dataTransfer: data, bubbles: true, cancelable: true }));
    """
    page.script(drag, page.all(".ex-shelf button")[2], page.find("[data-slot=a]"))
    np.testing.assert_array_equal(page.settle().z_of(".ex-sum"), on_grid(live.arrays(page.model)["shelf"][2]))
    page.script(drag, page.find(".ex-sum"), page.find("[data-end=b]"))
    np.testing.assert_array_equal(page.settle().z_of("[data-end=b] canvas"), page.z_of(".ex-sum"))


# --- a photo


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photo") / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()).save(path)
    return path


@pytest.mark.parametrize("name", ["vae-portraits-80", FIRST])
def test_a_photo_is_encoded_as_keras_does(page, photo, name):
    page.choose(name)
    page.browser.get_log("performance")
    page.find(".ex-file").send_keys(str(photo))
    wait(page.browser, 10).until(lambda b: page.find(".ex-encode").is_displayed())
    for slider, value in {".ex-zoom": 2, ".ex-x": 0.42, ".ex-y": 0.12}.items():
        page.script(
            "arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input'))",
            page.find(slider),
            value,
        )
    before = page.hash
    page.script("arguments[0].click()", page.find(".ex-encode"))
    wait(page.browser, 20).until(lambda b: page.hash != before)
    z = page.settle().z
    model, encoder = weights.load(name), weights.load(live.MODELS[name][1])
    pixels = page.script("const e = window.latentExplorer; return [...e.photo.cropped(e.model.size).data]")
    crop = np.array(pixels, np.uint8).reshape(model.image_size, model.image_size, 4)[..., :3]
    np.testing.assert_allclose(z, encoder.encode(crop[None])[0], atol=2e-3)
    # The crop is the piece of the photo that the frame shows, no pixel left out.
    side = 512 / 4
    left, top = 0.42 * (512 - side), 0.12 * (512 - side)
    piece = Image.fromarray(skimage.data.astronaut()).resize(
        crop.shape[:2], Image.Resampling.BOX, box=(left, top, left + side, top + side)
    )
    assert np.abs(crop.astype(float) - np.asarray(piece)).mean() < 3
    assert "your photo" in page.status()
    # What was asked for meanwhile: the encoder, from this server, and nothing was sent.
    messages = [json.loads(entry["message"])["message"] for entry in page.browser.get_log("performance")]
    requests = [m["params"]["request"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert any(request["url"].endswith("-encoder.onnx") for request in requests)
    site = page.url.removesuffix("book/explorer.html")
    assert all(request["url"].startswith((site, "data:", "blob:")) for request in requests)
    assert all(request["method"] == "GET" and not request.get("hasPostData") for request in requests)


def test_a_face_that_comes_late_is_not_given_to_another_model(page, photo):
    page.find(".ex-file").send_keys(str(photo))
    wait(page.browser, 10).until(lambda b: page.find(".ex-encode").is_displayed())
    page.script("""
        const { model } = window.latentExplorer;
        model.encode = () => new Promise((done) => (window.comeLate = () => done(new Float64Array(model.latentDim))));
    """)
    page.script("arguments[0].click()", page.find(".ex-encode"))
    before = page.choose("vae-portraits-80").hash
    page.script("window.comeLate()")
    page.browser.execute_async_script("setTimeout(arguments[0], 50)")
    assert page.settle().hash == before


def test_a_file_that_is_no_picture_is_told(page, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear reader")
    page.find(".ex-file").send_keys(str(tmp_path / "letter.txt"))
    wait(page.browser, 5).until(lambda b: "letter.txt is not a picture" in page.status())
    assert not page.find(".ex-photo").is_displayed()


# --- manners


def test_the_keyboard_reaches_and_moves_everything(page):
    page.script("document.querySelectorAll('#explorer details').forEach((d) => (d.open = true))")
    wanted = page.script(
        "return [...document.querySelectorAll('#explorer :is(button, select, input, summary)')]"
        ".filter((e) => !e.disabled && e.checkVisibility() && !(e.type === 'radio' && !e.checked)).length"
    )
    page.script("document.querySelector('#explorer .ex-model').focus()")
    reached = 1
    while page.script("return !!document.activeElement.closest('#explorer')"):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        reached += 1
        assert reached <= wanted + 1, "the keyboard is caught"
    assert reached - 1 == wanted
    slider, before = page.find(".ex-directions input"), page.z
    slider.send_keys(Keys.ARROW_RIGHT)
    assert (page.settle().z != before).any()
    slider.send_keys(Keys.CONTROL, "z")
    wait(page.browser, 5).until(lambda b: (page.z == before).all())
    page.find("[data-slot=b] .ex-thumb").send_keys(Keys.ENTER)
    assert len(page.settle().all("[data-slot=b] .ex-thumb")) == 5
    assert page.script("return document.activeElement.closest('[data-slot]')?.dataset.slot") == "b"


def test_everything_has_a_name(page):
    nameless = page.script("""
        return [...document.querySelectorAll('#explorer :is(button, select, input, canvas[role=img])')].filter((e) =>
          !(e.getAttribute('aria-label') || e.labels?.length && e.labels[0].textContent.trim() || e.textContent.trim())
        ).map((e) => e.outerHTML)
    """)
    assert nameless == []
    assert (
        page.find(".ex-directions input").get_attribute("aria-valuetext") == page.find(".ex-directions .ex-value").text
    )
    assert FIRST not in page.find(".ex-face").get_attribute("aria-label")  # titles are for people
    assert "DCGAN" in page.find(".ex-face").get_attribute("aria-label")


def test_it_fits_a_phone(page):
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.open()
        assert page.script("return document.documentElement.scrollWidth") <= 391
        for canvas in page.all("canvas"):
            if canvas.is_displayed():
                assert page.script("return arguments[0].getBoundingClientRect().right", canvas) <= 391
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_nothing_is_stored(page):
    keys = "return [Object.keys(localStorage), Object.keys(sessionStorage), document.cookie]"
    before = page.script(keys)
    page.press(".ex-surprise").press(".ex-keep").press("[data-slot=a] > button").choose("vae-synthetic-80")
    assert page.script(keys) == before
    databases = page.browser.execute_async_script("indexedDB.databases().then(arguments[0])")
    caches = page.browser.execute_async_script("caches.keys().then(arguments[0])")
    assert databases == [] and caches == []


def test_memory_stays_flat_over_a_thousand_moves(page, measured):
    """Each is let go, so that it can be undone."""
    move = """
        const [n, done] = arguments, explorer = window.latentExplorer;
        const slider = document.querySelector("#explorer .ex-directions input");
        (async () => {
          for (let i = 0; i < n; i++) {
            slider.value = +slider.min + ((slider.max - slider.min) * ((i * 37) % 1009)) / 1009;
            for (const event of ["input", "change"]) {
              slider.dispatchEvent(new Event(event));
              await explorer.face.busy;
            }
          }
          done();
        })();
    """

    def used():
        page.browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
        heap = page.browser.execute_cdp_cmd("Runtime.getHeapUsage", {})
        return heap["usedSize"] + heap.get("backingStorageSize", 0)

    page.browser.set_script_timeout(180)
    page.browser.execute_async_script(move, 600)  # more than the steps back that are kept
    before = used()
    page.browser.execute_async_script(move, 1000)
    after = used()
    measured(f"explorer: {before / 1e6:.1f} MB before and {after / 1e6:.1f} MB after 1,000 moves")
    assert after - before < 2e6


def test_without_javascript_a_still_picture_remains(page):
    page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        page.browser.get("about:blank")
        page.browser.get(page.url)
        still = page.find(".ex-still img")
        wait(page.browser, 10).until(lambda b: still.get_property("naturalWidth") > 300)
        assert still.is_displayed() and not page.find(".ex-live").is_displayed()
    finally:
        page.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_a_runtime_that_lacks_leaves_the_still_picture_and_says_why(page):
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/ort/*"]})
    try:
        page.browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
        page.browser.get("about:blank")
        page.browser.get(page.url)
        wait(page.browser, 20).until(lambda b: "did not start" in page.find(".ex-still figcaption").text)
        assert page.find(".ex-still img").is_displayed()
    finally:
        page.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.browser.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": False})
        page.browser.get_log("browser")


def test_a_model_that_cannot_be_fetched_is_told_and_can_be_asked_for_again(page):
    first = page.hash
    page.browser.execute_cdp_cmd("Network.enable", {})
    page.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/vae-synthetic-80*"]})
    try:
        Select(page.find(".ex-model")).select_by_value("vae-synthetic-80")
        wait(page.browser, 20).until(lambda b: "could not be loaded" in page.status())
        assert page.hash == first and page.find(".ex-model").get_attribute("value") == FIRST
    finally:
        page.browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
        page.browser.get_log("browser")
    assert page.choose("vae-synthetic-80").model == "vae-synthetic-80"


def test_the_page_says_how_each_direction_was_found(page, root):
    table = results.load("explorer")
    assert "{{" not in (root / "_build" / "html" / "book" / "explorer.html").read_text()
    rows = page.browser.find_elements(By.CSS_SELECTOR, "article table tbody tr")
    told = {tuple(cell.text for cell in row.find_elements(By.TAG_NAME, "td")) for row in rows}
    titles = {name: title for name, (title, _) in live.MODELS.items()}
    assert told == {
        (titles[row.model], row.slider, row.how.replace("'", "’"), f"{row.accuracy:.2f}", f"{row.spread:.1f}")
        for row in table.itertuples()
    }
