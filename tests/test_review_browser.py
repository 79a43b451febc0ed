"""The review desk in a real browser, driven by keys; texts that mean harm are shown as text."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import Seen, opened_browser, opened_page
from desk_process import HOSTILE, LONG, DeskProcess, decisions, desk_process, mined

pytestmark = pytest.mark.slow
LABELS = {"r": "positive", "n": "negative", "d": "drop", "s": None, "u": None}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with opened_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def mined_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return mined(tmp_path_factory.mktemp("desk") / "out")


@pytest.fixture
def out(mined_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(mined_once, tmp_path / "out"))


def pair_shown(page: Any) -> str:
    """The ids that stand below the document."""
    return str(page.locator("#document .facts").inner_text().splitlines()[-1])


def press(page: Any, key: str) -> str:
    """Press a key, wait for the answer, and return the pair that was shown before."""
    before = pair_shown(page)
    with page.expect_response(lambda response: response.request.method == "POST") as answered:
        page.keyboard.press(key)
    assert answered.value.status == 200
    changed = "before => document.querySelector('#document .facts').innerText.split('\\n').pop() !== before"
    page.wait_for_function(changed, arg=before)
    return before


def check_quiet(seen: Seen, desk: DeskProcess) -> None:
    own = f"http://127.0.0.1:{desk.port}/"
    assert seen.errors == [] and seen.requests and all(address.startswith(own) for address in seen.requests)


def test_twenty_decisions_by_keys_killed_and_started_again(chromium: Any, out: Path) -> None:
    first_keys, more_keys = (
        ["r", "n", "d", "n", "s", "u", "n", "r", "u", "n"],
        ["n", "r", "d", "n", "n", "s", "n", "r", "n", "d"],
    )
    made: list[tuple[str, str]] = []

    def go(desk: DeskProcess, keys: list[str], page: Any) -> None:
        for key in keys:
            before = press(page, key)
            made.append((key, pair_shown(page) if key == "u" else before))
            row = decisions(out)[-1]  # on disk when the next pair shows
            assert (row["label"], f"query {row['query_id']}, document {row['doc_id']}") == (LABELS[key], made[-1][1])

    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, seen):
        assert page.url == f"http://127.0.0.1:{desk.port}/"  # without the token
        go(desk, first_keys, page)
        left, progress = pair_shown(page), page.locator("#count").inner_text()
        desk.process.send_signal(signal.SIGKILL)
        desk.process.wait()
        check_quiet(seen, desk)
        page.keyboard.press("r")
        page.locator("#message.bad").wait_for()
        assert "The desk does not answer" in page.locator("#message").inner_text() and pair_shown(page) == left
    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, seen):
        assert (pair_shown(page), page.locator("#count").inner_text()) == (left, progress)
        go(desk, more_keys, page)
        check_quiet(seen, desk)
        assert "95%" in page.locator("#rate").inner_text()
    rows = decisions(out)
    assert [row["decision"] for row in rows] == list(range(1, 21)) and len(made) == 20
    assert [f"query {row['query_id']}, document {row['doc_id']}" for row in rows] == [pair for _, pair in made]


def test_hostile_texts_are_shown_as_text(chromium: Any, out: Path) -> None:
    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, seen):
        texts, title = "", page.title()
        while page.locator("#pair").is_visible():
            texts += page.locator("#pair").inner_text() + "\n"
            number = len(decisions(out))
            with page.expect_response(lambda response: response.request.method == "POST"):
                page.keyboard.press("n")
            page.wait_for_function("number => document.querySelector('#count').innerText"
                                   ".startsWith(`${number} decided`)", arg=number + 1)  # fmt: skip
            if number > 40:
                break
        assert page.title() == title and page.locator("#pair img, #pair script, #pair svg").count() == 0
        for hostile in HOSTILE:
            plain = [
                part for part in ("".join(c if c.isprintable() else "\n" for c in hostile)).split("\n") if part.strip()
            ]
            assert all(part.strip() in texts for part in plain), hostile
        for code in ("0000", "0007", "001B", "202E", "202C"):
            assert f"⟨U+{code}⟩" in texts
        check_quiet(seen, desk)


def test_a_long_document_is_cut_and_shown_whole_when_asked(chromium: Any, out: Path) -> None:
    with desk_process(out, "--port", "0") as desk:
        desk.enter()
        while (state := desk.state())["pair"]["document"]["length"] < 1_000_000:
            desk.decide("negative", state)
        cookie = dict(zip(("name", "value"), (desk.cookie or "").split("=", 1), strict=True))
        context = chromium.new_context()
        context.add_cookies([{**cookie, "url": f"http://127.0.0.1:{desk.port}"}])
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{desk.port}/")
        assert len(page.locator("#document .text").inner_text()) < 25_000
        page.get_by_role("button", name="Show all 1,000,012 characters").click()
        page.wait_for_function(
            "() => document.querySelector('#document .text').innerText.length > 900000", timeout=20_000
        )
        assert page.locator("#document .text").inner_text().endswith(LONG[-20:])
        press(page, "d")
        context.close()
    assert decisions(out)[-1]["label"] == "drop"


def test_a_key_that_is_held_or_pressed_twice_decides_once(chromium: Any, out: Path) -> None:
    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, seen):
        with page.expect_response(lambda response: response.request.method == "POST"):
            page.evaluate("""() => { for (const repeat of [false, false, true])
                document.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', repeat })); }""")
        page.wait_for_timeout(300)
        assert len(decisions(out)) == 1
        page.keyboard.press("Control+r")  # reloads, and decides nothing
        page.wait_for_load_state("load")
        assert len(decisions(out)) == 1
        check_quiet(seen, desk)


def test_a_second_tab_cannot_decide_another_pair_than_it_shows(chromium: Any, out: Path) -> None:
    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, _):
        other = page.context.new_page()
        other.goto(f"http://127.0.0.1:{desk.port}/")
        press(page, "n")
        shown = pair_shown(page)
        with other.expect_response(lambda response: response.status == 409):
            other.keyboard.press("r")
        other.wait_for_function("() => document.querySelector('#message').innerText.includes('elsewhere')")
        assert pair_shown(other) == shown and len(decisions(out)) == 1


def test_a_desk_that_was_started_again_says_so(chromium: Any, out: Path) -> None:
    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, _):
        port = desk.port
        desk.end()
        with desk_process(out, "--port", str(port)):
            page.keyboard.press("r")
            page.locator("#message.bad").wait_for()
            assert "was started again" in page.locator("#message").inner_text()
    assert not decisions(out)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 375])
def test_it_fits_and_every_button_can_be_touched(chromium: Any, out: Path, scheme: Any, width: int) -> None:
    with (
        desk_process(out, "--port", "0") as desk,
        opened_page(chromium, desk.address, scheme=scheme, width=width) as (page, seen),
    ):
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for button in page.locator(".keys button").all():
            box = button.bounding_box()
            assert box["height"] >= 44 and box["width"] >= 44 and 0 <= box["x"] <= width - box["width"]
        page.keyboard.press("?")
        assert page.get_by_role("dialog").is_visible()
        page.keyboard.press("n")  # is for the dialog now
        page.get_by_role("button", name="Close").click()
        assert not decisions(out)
        page.get_by_role("button", name="Not relevant").click()
        page.wait_for_function("() => document.querySelector('#count').innerText.startsWith('1 decided')")
        check_quiet(seen, desk)


def test_when_all_is_decided_it_says_how_to_go_on(chromium: Any, out: Path) -> None:
    with desk_process(out, "--port", "0") as desk, opened_page(chromium, desk.address) as (page, _):
        name = desk.cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
        assert name
        while (state := desk.state())["pair"]:
            desk.decide("negative", state)
        page.reload()
        assert page.locator("#done").is_visible() and not page.locator("#pair").is_visible()
        assert f"--relabel {out}/decisions.jsonl" in page.locator("#done").inner_text()
        page.keyboard.press("u")
        page.locator("#pair").wait_for()
