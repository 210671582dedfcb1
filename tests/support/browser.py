"""A browser without a screen for the tests of the web pages: the system's Chromium.

Playwright's own browsers are not downloaded; Debian's package does: ``make test`` installs it where
it may (``python -m tests.support.browser``), else its tests are skipped and say how to get it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from playwright.sync_api import Browser, Page, Request, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_PACKAGES = ("chromium", "fonts-dejavu-core")
HOW = (
    "no Chromium here: install it (`apt-get install chromium`), or name one in "
    "SPANLEDGER_TEST_BROWSER"
)


def found() -> str:
    """The path of a Chromium; empty = there is none."""
    named = os.environ.get("SPANLEDGER_TEST_BROWSER", "")
    return named or next((path for name in _NAMES if (path := shutil.which(name))), "")


def install() -> None:
    """Install Debian's package where there is no browser and we may."""
    if found():
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        sys.stdout.write(f"{HOW}; the tests of the web pages in a browser are skipped\n")
        return
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *_PACKAGES]):
        subprocess.run([apt, *words, "-y"], check=True, env=quiet, stdout=subprocess.DEVNULL)


@contextmanager
def browser() -> Generator[Browser]:
    """The browser, while the block runs."""
    with sync_playwright() as playwright:
        # Its sandbox needs rights that a container has not, and it opens our own pages only.
        running = playwright.chromium.launch(executable_path=found(), args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


class Watched:
    """A tab, and everything that went wrong in it.

    Attributes:
        page: the tab.
        faults: messages of the console, errors of scripts, requests that failed or went elsewhere.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(180_000)  # a machine that does much else
        page.on("console", lambda told: self.faults.append(f"console {told.type}: {told.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("requestfailed", self._failed)
        page.on("request", lambda asked: self._check(asked.url, origin))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))

    def _failed(self, asked: Request) -> None:
        """A browser asks for the icon when a page is done, and lets go of it for the next page."""
        if not (asked.url.endswith("/icon.svg") and asked.failure == "net::ERR_ABORTED"):
            self.faults.append(f"failed: {asked.url}: {asked.failure}")

    def _check(self, url: str, origin: str) -> None:
        if not url.startswith(origin):
            self.faults.append(f"asked elsewhere: {url}")


def accessibility_faults(page: Page, *rules: str) -> list[str]:
    """What axe-core calls serious or critical, by these of its rules; none = by all."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    told: dict[str, Any] = page.evaluate(
        "rules => axe.run(rules.length ? {runOnly: rules} : {})", list(rules)
    )
    return [
        f"{found['id']}: {found['help']}: {node['html'][:200]}"
        for found in told["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


if __name__ == "__main__":
    install()
