"""Laws of the live page, in a real Chromium: on a worker that tells odd things, and on a real daemon under load."""

import json
import math
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from pipeline.cluster import Writer
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing
from pipeline.settings import Events, Settings
from tests.members import Member, settings_for
from tests.servers import wait_until
from tests.shown import Daemon

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="there is no chromium on the path: install it to test the page"
)

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "javascript:alert(3)",
    "ä 🚰 \u202eright to left\u202c",
    "a" * 5000,
    'q"\\\n\u2028 50%#?&',
    " ",
)
WIDTHS = {"desktop": (1400, 1100), "phone": (390, 844)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


class Reader:
    """Someone who has the page open, and the console beside it."""

    def __init__(self, browser: Browser, url: str, width: str = "desktop", scheme: str = "light") -> None:
        self.said: list[str] = []
        across, down = WIDTHS[width]
        context = browser.new_context(
            viewport={"width": across, "height": down},
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id="Asia/Kolkata",
        )
        context.set_default_timeout(20_000)
        self.page: Page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.said.append(f"{error}"))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self._watch(request.url, url))
        self.page.goto(url)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(message.text)

    def _watch(self, asked: str, url: str) -> None:
        if not asked.startswith((url, "data:")):
            self.said.append(f"asked elsewhere: {asked}")

    def names(self) -> list[str]:
        """Of the series that the list shows."""
        return self.page.locator("#rows tbody tr button").all_text_contents()

    def width(self) -> int:
        """Of all that there is to scroll through."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        return width


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def url(daemon: Daemon) -> Iterator[str]:
    web = daemon.web()
    web.start()
    yield f"http://127.0.0.1:{web.port}/"
    web.stop()


def test_a_name_is_text_whatever_it_holds(browser: Browser, daemon: Daemon, url: str) -> None:
    daemon.names = HOSTILE
    reader = Reader(browser, url)
    expect(reader.page.locator("#rows tbody tr")).to_have_count(len(HOSTILE))
    for index, name in enumerate(reader.names()):
        reader.page.locator("#rows tbody button").nth(index).click()
        expect(reader.page.locator("#name")).to_have_text(name, use_inner_text=False)
        expect(reader.page.locator("#facts")).to_contain_text("last value")
    assert sorted(reader.names()) == sorted(HOSTILE)
    assert reader.page.locator("#rows img, #view img, main script").count() == 0
    assert reader.width() <= WIDTHS["desktop"][0]
    assert reader.said == []


def test_a_search_is_answered_by_the_daemon_and_a_header_orders_the_list(
    browser: Browser, daemon: Daemon, url: str
) -> None:
    daemon.names = tuple(f"pump-{number:05d}" for number in range(10_000))
    reader = Reader(browser, url)
    expect(reader.page.locator("#found")).to_have_text("1–50 of 10,000 series")
    assert reader.names()[0] == "pump-09999"  # the most surprising
    reader.page.locator("#after").click()
    expect(reader.page.locator("#found")).to_have_text("51–100 of 10,000 series")
    reader.page.get_by_role("button", name="series", exact=True).click()
    expect(reader.page.locator("#rows tbody button").first).to_have_text("pump-00000")
    reader.page.get_by_label("Search series").fill("PUMP-0123")
    expect(reader.page.locator("#found")).to_have_text("1–10 of 10 series")
    assert reader.names() == [f"pump-0123{digit}" for digit in range(10)]
    assert daemon.asked.search == "PUMP-0123"
    reader.page.get_by_label("Search series").fill("nothing like it")
    expect(reader.page.locator("#empty")).to_have_text("No series of such a name")
    assert reader.said == []


def test_the_page_works_by_keyboard_alone(browser: Browser, daemon: Daemon, url: str) -> None:
    daemon.names = ("a", "b", "c")
    reader = Reader(browser, url)
    expect(reader.page.locator("#rows tbody tr")).to_have_count(3)
    reader.page.get_by_label("Search series").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        reader.page.keyboard.press(key)
    expect(reader.page.locator("#name")).to_have_text("b")
    expect(reader.page.locator("#chart")).to_have_attribute("aria-label", beginning("b: last value"))
    reader.page.locator("#chart").focus()
    reader.page.keyboard.press("ArrowLeft")
    expect(reader.page.locator("#tip")).to_contain_text("came")
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#tip")).to_be_hidden()
    assert reader.said == []


def beginning(start: str) -> re.Pattern[str]:
    return re.compile(f"^{re.escape(start)}")


def test_times_that_were_told_before_a_step_was_known_are_forgotten(browser: Browser, url: str) -> None:
    """The daemon then tells those before the last one as if a step were a second."""
    reader = Reader(browser, url)
    came = reader.page.evaluate(
        """async () => {
            const { Chart } = await import("/page/chart.js");
            const chart = Object.create(Chart.prototype);
            Object.assign(chart, { came: new Map(), before: new Map(), horizon: 1 });
            const told = (times, step) => ({ recent_times: times, recent_values: times, step_seconds: step });
            chart.remember(told([7199e6, 7200e6], null));
            chart.remember(told([3600e6, 7200e6], 3600));
            chart.remember(told([7200e6, 10800e6], 3600));
            return [...chart.came.keys()];
        }"""
    )
    assert came == [3600, 7200, 10800]


def test_times_are_in_the_readers_zone(browser: Browser, url: str) -> None:
    reader = Reader(browser, url)
    expect(reader.page.locator("#facts")).to_contain_text("1970-01-01 05:31:00 (Asia/Calcutta)")


def test_everything_to_press_has_a_name(browser: Browser, url: str) -> None:
    reader = Reader(browser, url)
    expect(reader.page.locator("#rows tbody tr")).to_have_count(2)
    nameless = reader.page.evaluate(
        """[...document.querySelectorAll("button, input, a, [tabindex]")].filter(one =>
            !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).map(one => one.outerHTML)"""
    )
    assert nameless == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(browser: Browser, daemon: Daemon, url: str, width: str, scheme: str) -> None:
    daemon.names = ("a" * 300, "b")
    reader = Reader(browser, url, width, scheme)
    expect(reader.page.locator("#rows tbody tr")).to_have_count(2)
    reader.page.locator("#rows tbody button").filter(has_text="aaa").click()
    expect(reader.page.locator("#facts")).to_contain_text("last value")
    assert reader.width() <= WIDTHS[width][0]
    assert reader.said == []


def test_a_daemon_that_is_gone_is_told_and_found_again(browser: Browser, daemon: Daemon) -> None:
    web = daemon.web()
    port = web.port
    web.start()
    reader = Reader(browser, f"http://127.0.0.1:{port}/")
    expect(reader.page.locator("#state")).to_have_text("ready")
    web.stop()
    expect(reader.page.locator("#state")).to_have_text("not reachable")
    expect(reader.page.locator("#away")).to_contain_text("has not answered for")
    again = daemon.web(port)
    again.start()
    expect(reader.page.locator("#state")).to_have_text("ready")
    expect(reader.page.locator("#away")).to_be_hidden()
    again.stop()


SERIES, STEP = 500, 60_000
"""Series of the load, and milliseconds from one value of each to the next."""


def test_a_daemon_under_load_shows_its_most_surprising_series_and_its_forecast(
    browser: Browser, tansu: EmbeddedBroker, tmp_path: Path
) -> None:
    """Events come as fast as they are written."""
    settings = structs.replace(settings_for(tansu, "page", tmp_path), events=Events(step=60.0))
    stop = threading.Event()
    with Member(settings, tmp_path, "one") as member:
        wait_until(lambda: member.ask("/api/status").get("state") == "ready", "the daemon to be ready")
        feeding = threading.Thread(target=_feed, args=(settings, stop))
        feeding.start()
        try:
            wait_until(lambda: member.ask("/api/series")["total"] == SERIES, "all series to be seen")
            reader = Reader(browser, f"{member.page()}/")
            expect(reader.page.locator("#found")).to_have_text(f"1–50 of {SERIES} series")
            wait_until(lambda: _scored(member), "scores")
            expect(reader.page.locator("#rows tbody tr").first.locator("path")).to_have_attribute("d", beginning("M"))
            reader.page.get_by_label("Search series").fill("series-007")
            reader.page.locator("#rows tbody button").first.click()
            expect(reader.page.locator("#facts")).to_contain_text("mean error")
            reader.page.locator("#horizon").fill("2")
            expect(reader.page.locator("#ahead")).to_contain_text("2 steps, 2 min ahead")
            expect(reader.page.locator("#was")).to_have_text("forecast 2 steps before")
            wait_until(lambda: _largest_surprise(member) > 0.9, "a surprise")
            assert reader.said == []
        finally:
            stop.set()
            feeding.join()


def _feed(settings: Settings, stop: threading.Event) -> None:
    start, step = 1_700_000_000_000, 0
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        while not stop.is_set():
            for number in range(SERIES):
                value = math.sin(step / (3 + number % 7)) + number
                body = {"timestamp": start + step * STEP, "value": round(value, 6)}
                writer.write(Outgoing(b"series-%03d" % number, json.dumps(body).encode()))
            step += 1
            stop.wait(0.05)


def _largest_surprise(member: Member) -> float:
    return float(member.ask("/api/list?limit=1")["rows"][0]["recent_surprise"])


def _scored(member: Member) -> bool:
    rows = member.ask("/api/list?limit=50")["rows"]
    return bool(rows) and all(row["recent_surprise"] is not None and row["values"] for row in rows)
