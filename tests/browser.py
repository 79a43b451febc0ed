"""A real browser for tests: Chromium, driven by Playwright; where there is none, tests skip and say how to get it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

WHERE_TO_GET_IT = "apt-get install chromium (Debian, Ubuntu), and pip install playwright"
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip


@dataclass
class Seen:
    """What a page did that nobody looks at: requests by address, and errors on its console."""

    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def opened_browser() -> Iterator[Any]:
    """Chromium without a window; skips where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason=WHERE_TO_GET_IT)
    executable = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip(f"there is no Chromium: {WHERE_TO_GET_IT}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened_page(
    browser: Any, address: str, *, scheme: Literal["light", "dark"] = "light", width: int = 1200
) -> Iterator[tuple[Any, Seen]]:
    """A page, loaded, and what it does meanwhile and later."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900})
    page, seen = context.new_page(), Seen()
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    try:
        page.goto(address, wait_until="load")
        yield page, seen
    finally:
        context.close()
