"""Waiting for a page: selenium itself looks twice a second, for most of which a page has long been ready."""

from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait


def wait(browser: Chrome, seconds: float) -> WebDriverWait:
    return WebDriverWait(browser, seconds, poll_frequency=0.05)
