"""The built book on a server of its own, and a headless Chromium to look at it with."""

import functools
import http.server
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from selenium import webdriver

# For the list of pages.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def site(root):
    folder = root / "_build" / "html"
    assert (folder / "index.html").is_file(), "run `make book`"
    assert (folder / "embed-amd.js").is_file(), "this book was built without npm: it has no sliders to move"
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (chromium and driver):
        message = "no chromium and chromedriver on the PATH: the book's sliders were not moved"
        # Where everything must be checked, a missing browser is a failure.
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    arguments = "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    arguments += (
        "disable-component-update disable-sync disable-dev-shm-usage window-size=1280,1000 force-device-scale-factor=1 "
        "enable-unsafe-webgpu use-webgpu-adapter=swiftshader"  # a WebGPU in software
    )
    for argument in arguments.split():
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield driver
    driver.quit()


@pytest.fixture
def measured(record_property):
    """Say what was measured at the end of the run's log: `measured("12 faces a second")`."""
    return functools.partial(record_property, "measured")


def pytest_terminal_summary(terminalreporter):
    reports = [report for found in terminalreporter.stats.values() for report in found]
    properties = [
        pair for report in reports for pair in getattr(report, "user_properties", []) if report.when == "call"
    ]
    if lines := [line for name, line in properties if name == "measured"]:
        terminalreporter.section("measured")
        for line in lines:
            terminalreporter.line(line)
