"""Laws of the port: what it answers, over a real socket, and that it stays a guest in the process."""

import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx
import msgspec
import pytest

from pipeline.web.page_files import page_files
from pipeline.web.series_list import Listed
from pipeline.web.series_status import SeriesStatus
from pipeline.web.server import WebError
from pipeline.web.status import Status
from pipeline.web.stream import MOST
from tests.shown import Daemon

ODD_NAMES = ["pump", "plant/7/flow", "ä 🚰", "<script>alert(1)</script>", "50%", "a?b=c#d", " ", "a//b/", 'q"\\']


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[httpx.Client]:
    web = daemon.web()
    web.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", timeout=10, trust_env=False) as client:
        yield client
    web.stop()


def test_the_metrics_come_as_they_were_rendered(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert (answer.status_code, answer.content) == (200, b"up 1\n")
    assert answer.headers["content-type"] == "text/plain; version=1.0.0; charset=utf-8"


def test_health_is_the_loop_and_nothing_else(client: httpx.Client, daemon: Daemon) -> None:
    daemon.state = "connecting"
    assert client.get("/healthz").status_code == 200
    daemon.trouble = "the loop has not turned within its deadline"
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"healthy": False, "reason": "the loop has not turned within its deadline"}


@pytest.mark.parametrize("question", ["/api/series", "/api/series/pump"])
def test_who_waits_for_the_worker_keeps_no_other_waiting(client: httpx.Client, daemon: Daemon, question: str) -> None:
    with ThreadPoolExecutor() as pool:
        with daemon.lock:
            answers = [pool.submit(client.get, question) for _ in range(4)]
            assert client.get("/healthz", timeout=5).status_code == 200
            assert not any(answer.done() for answer in answers)
        assert [answer.result().status_code for answer in answers] == [200] * 4


def test_ready_says_what_it_waits_for(client: httpx.Client, daemon: Daemon) -> None:
    assert client.get("/readyz").json() == {"ready": True, "reason": "ready"}
    daemon.state = "catching_up"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "reason": "catching_up: 12 records behind"}


def test_the_status_is_the_workers(client: httpx.Client, daemon: Daemon) -> None:
    answer = client.get("/api/status")
    assert msgspec.json.decode(answer.content, type=Status) == daemon.status()
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def test_a_number_that_json_lacks_is_null(client: httpx.Client, daemon: Daemon) -> None:
    daemon.skill = float("nan")
    assert client.get("/api/status").json()["skill"] is None


def test_series_are_listed_searched_and_limited(client: httpx.Client, daemon: Daemon) -> None:
    daemon.names = ("valve", *(f"Pump-{number:04d}" for number in range(3000)))
    everything = client.get("/api/series").json()
    assert (len(everything["series"]), everything["total"]) == (1000, 3001)
    found = client.get("/api/series", params={"search": "PUMP-000", "limit": "2"}).json()
    assert found == {"series": ["Pump-0000", "Pump-0001"], "total": 10, "age": 0.5}
    rest = client.get("/api/series", params={"search": "PUMP-000", "after": "Pump-0007"}).json()
    assert rest["series"] == ["Pump-0008", "Pump-0009"]
    for limit in ("many", "-1", "9" * 30, "²", "10001"):
        assert client.get("/api/series", params={"limit": limit}).status_code == 400


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_finds_its_series(client: httpx.Client, daemon: Daemon, name: str) -> None:
    daemon.names = (name,)
    quoted = "".join(f"%{byte:02X}" for byte in name.encode())
    answer = client.get(f"/api/series/{quoted}")
    assert answer.status_code == 200
    assert msgspec.json.decode(answer.content, type=SeriesStatus) == daemon.series(name)


def test_a_series_is_asked_for_in_one_of_the_shards_that_have_one_of_its_name(client: httpx.Client) -> None:
    assert client.get("/api/series/pump", params={"at": "events/0"}).json()["topic"] == "events"
    answer = client.get("/api/series/pump", params={"at": "prices/0"})
    assert answer.status_code == 404
    assert answer.json() == {"error": "there is no series 'pump' in 'prices/0' here; /api/series lists them"}


def test_a_worker_that_has_not_come_by_is_said_to_be_busy_and_no_series_to_be_missing(
    client: httpx.Client, daemon: Daemon
) -> None:
    daemon.busy = True
    answer = client.get("/api/series/pump")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json() == {"error": "the worker is busy"}


def test_an_unknown_series_is_not_found_and_said_so(client: httpx.Client) -> None:
    answer = client.get("/api/series/nobody")
    assert answer.status_code == 404
    assert answer.json() == {"error": "there is no series 'nobody' here; /api/series lists them"}


def test_the_page_allows_nothing_from_elsewhere_and_no_markup_made_of_text(client: httpx.Client) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


def test_the_page_asks_for_its_files_by_relative_addresses_and_all_of_them_are_there(client: httpx.Client) -> None:
    addresses = re.findall(r'(?:src|href)="([^"#]+)"', client.get("/").text)
    files = [one for one in addresses if one.startswith("page/")]
    assert {one for one in addresses if one not in files and not one.startswith("data:")} == {"api/status", "metrics"}
    assert files
    for file in files:
        answer = client.get(f"/{file}")
        assert (answer.status_code, answer.headers["x-content-type-options"]) == (200, "nosniff")
        imports = re.findall(r'from "\./([^"]+)"', answer.text)
        assert all(client.get(f"/page/{one}").status_code == 200 for one in imports)


def test_a_file_that_the_browser_has_is_not_sent_again(client: httpx.Client) -> None:
    first = client.get("/page/main.js")
    again = client.get("/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["..%2fweb.py", "%2e%2e%2fstatus.py", "web.py", "page.html", ".", ""])
def test_no_other_file_is_served(client: httpx.Client, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


def test_the_page_never_makes_markup_of_a_name() -> None:
    scripts = "".join(file.content.decode() for name, file in page_files().items() if name.endswith(".js"))
    assert all(word not in scripts for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"))


def test_the_licence_of_the_chart_library_comes_with_it(client: httpx.Client) -> None:
    assert "Permission is hereby granted" in client.get("/page/uPlot.LICENSE.txt").text


def test_a_list_is_told_as_it_was_asked_for(client: httpx.Client, daemon: Daemon) -> None:
    daemon.names = ("a1", "b1", "a2")
    query: dict[str, str] = {"search": "A", "sort": "name", "descending": "false", "offset": "1", "limit": "1"}
    listed = msgspec.json.decode(client.get("/api/list", params=query).content, type=Listed)
    assert ([row.series for row in listed.rows], listed.total) == (["a2"], 2)
    assert listed.rows[0].values == (1.0, None, 2.0)


@pytest.mark.parametrize("path", ["/api/list", "/api/stream"])
@pytest.mark.parametrize(
    "query", [{"sort": "luck"}, {"offset": "-1"}, {"limit": "many"}, {"limit": "9" * 30}, {"descending": "perhaps"}]
)
def test_a_question_that_is_not_understood_is_refused_with_its_parameter(
    client: httpx.Client, path: str, query: dict[str, str]
) -> None:
    answer = client.get(path, params=query)
    assert answer.status_code == 400
    assert f"`{next(iter(query))}`" in answer.json()["error"]


def test_a_horizon_that_is_none_is_refused(client: httpx.Client, daemon: Daemon) -> None:
    assert client.get("/api/series/pump", params={"horizon": "0"}).status_code == 400
    assert client.get("/api/series/pump", params={"horizon": "3"}).status_code == 200
    assert daemon.horizon == 3


def events(client: httpx.Client, query: dict[str, str], count: int) -> list[tuple[str, Any]]:
    """The first events of a stream."""
    told: list[tuple[str, Any]] = []
    with client.stream("GET", "/api/stream", params=query) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        while len(told) < count:
            kind, data, _ = next(lines), next(lines), next(lines)
            told.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return told


def test_a_stream_tells_status_list_and_series_again_and_again(client: httpx.Client) -> None:
    told = events(client, {"series": "pump", "limit": "5"}, 6)
    assert [kind for kind, _ in told] == ["status", "list", "series"] * 2
    assert told[0][1]["state"] == "ready"
    assert [row["series"] for row in told[1][1]["rows"]] == ["valve", "pump"]
    assert told[2][1]["series"] == "pump"


def test_a_stream_says_that_a_series_is_not_there_or_the_worker_busy(client: httpx.Client, daemon: Daemon) -> None:
    assert events(client, {"series": "line\nbreak", "limit": "0"}, 2)[1] == ("missing", "line\nbreak")
    daemon.busy = True
    assert events(client, {"series": "pump", "limit": "0"}, 2)[1] == ("busy", "pump")


def test_no_more_streams_are_open_than_the_daemon_can_serve(client: httpx.Client) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(client.stream("GET", "/api/stream")).iter_lines() for _ in range(MOST)]
        for lines in streams:
            next(lines)
        refused = client.get("/api/stream")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
        assert f"{MOST} live pages are open" in refused.json()["error"]
        assert client.get("/healthz").status_code == 200


def test_open_streams_do_not_keep_the_daemon_from_ending(daemon: Daemon) -> None:
    web = daemon.web()
    web.start()
    url = f"http://127.0.0.1:{web.port}/api/stream"
    with httpx.Client(trust_env=False, timeout=10) as client, client.stream("GET", url) as answer:
        lines = answer.iter_lines()
        next(lines)
        web.stop()
        assert list(lines)[-1] == ""  # it ends by itself
    assert "web" not in {thread.name for thread in threading.enumerate()}


def test_the_web_leaves_signals_alone(daemon: Daemon) -> None:
    def ours(*_: object) -> None:
        return None

    before = signal.signal(signal.SIGTERM, ours)
    try:
        web = daemon.web()
        web.start()
        assert httpx.get(f"http://127.0.0.1:{web.port}/healthz", trust_env=False).status_code == 200
        assert signal.getsignal(signal.SIGTERM) is ours
        web.stop()
        assert signal.getsignal(signal.SIGTERM) is ours
    finally:
        signal.signal(signal.SIGTERM, before)


def test_after_stop_nobody_answers_and_no_thread_is_left(daemon: Daemon) -> None:
    web = daemon.web()
    port = web.port
    web.start()
    with httpx.Client(trust_env=False) as client:  # its connection stays open while the server stops
        assert client.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        web.stop()
    assert "web" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)


def test_stopping_before_starting_is_no_error(daemon: Daemon) -> None:
    daemon.web().stop()


def test_a_taken_port_is_said_with_its_fix(daemon: Daemon) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WebError, match=rf"can't listen on 127.0.0.1:{port}: the port is taken; set web.port"):
            daemon.web(port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_ours_is_said_with_its_fix(daemon: Daemon, host: str) -> None:
    with pytest.raises(WebError, match=f"can't listen on {host}:0: .*; set web.host"):
        daemon.web(host=host)
