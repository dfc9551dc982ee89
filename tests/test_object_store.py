"""Laws of checkpoints in an object store, on a real S3 server through s3fs: kept, told and bounded whatever it does."""

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from pipeline.checkpoints import Address, Checkpoints, read
from pipeline.checkpoints.stores import CheckpointError
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.settings import Checkpoints as Keeping
from tests.members import PARTITIONS, SERIES, Member, count, settings_for, told, undisturbed, write
from tests.servers import wait_until

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed: checkpoints in an object store are not tested")
pytest.importorskip("moto", reason="moto is not installed: there is no S3 server")

ADDRESS = Address("fKDXWpHtTQ", "events", "Yp3vWd", 2)
STATE = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3)}
URL = "s3://forecasts/checkpoints"
RECORDS = SERIES + 1  # of a step: each is answered by a forecast or a dead letter
LONGEST = 30.0  # seconds that a fault may take to be told, of a store that answers at all


class Store:
    """moto's S3 server in a process of its own; it forgets all when it is killed."""

    def __init__(self, port: int) -> None:
        self.port = port

    def start(self) -> None:
        program = "import sys; from moto.server import main; main(sys.argv[1:])"
        command = [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(self.port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._is_up, "the S3 server to listen")
        fresh().mkdir("forecasts")

    def _is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def fresh() -> Any:
    """A client that remembers nothing."""
    return s3fs.S3FileSystem(skip_instance_cache=True)


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials as operators give them, and nothing of this machine's own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    running = Store(free_port())
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.port}")
    running.start()
    yield running
    running.kill()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[str]:
    """A server that answers every request alike, with the status that the test asks for; or never, with 0."""
    ended = threading.Event()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if request.param == 0:
                ended.wait()
                return
            codes = {500: b"InternalError", 503: b"SlowDown", 403: b"AccessDenied"}
            body = b"<Error><Code>%s</Code><Message>of the test</Message></Error>" % codes[request.param]
            self.send_response(request.param)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Every other method is answered alike."""
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self.do_GET

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield str(request.param)
    ended.set()
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("store")
def test_what_is_loaded_is_what_was_saved() -> None:
    checkpoints = Checkpoints(URL, 3)
    checkpoints.probe()
    url = checkpoints.save(ADDRESS, 7, {"state": "new"}, STATE)
    assert url == f"{URL}/fKDXWpHtTQ/events-Yp3vWd/2/{7:020d}.safetensors"
    loaded = checkpoints.load(ADDRESS, 7)
    assert loaded is not None
    assert (loaded.offset, loaded.header, loaded.url) == (7, {"state": "new"}, url)
    np.testing.assert_array_equal(loaded.arrays["weights"], STATE["weights"])
    assert read(url).header == {"state": "new"}
    assert fresh().ls("forecasts/checkpoints") == ["forecasts/checkpoints/fKDXWpHtTQ"]  # nothing of the probe is left


@pytest.mark.usefixtures("store")
def test_the_newest_not_ahead_of_the_log_is_taken_and_the_last_ones_are_kept() -> None:
    checkpoints = Checkpoints(URL, 3)
    assert checkpoints.load(ADDRESS, 100) is None
    for offset in (10, 20, 30, 40):
        checkpoints.save(ADDRESS, offset, {"offset": offset}, STATE)
    taken = {at_most: checkpoints.load(ADDRESS, at_most) for at_most in (19, 35, 100)}
    assert {at_most: one and one.offset for at_most, one in taken.items()} == {19: None, 35: 30, 100: 40}


@pytest.mark.usefixtures("store")
def test_what_another_worker_wrote_meanwhile_is_seen() -> None:
    mine, theirs = Checkpoints(URL, 3), Checkpoints(URL.replace("s3://", "s3a://"), 3)
    mine.save(ADDRESS, 10, {}, STATE)
    assert mine.load(ADDRESS, 100) is not None
    theirs.save(ADDRESS, 20, {}, STATE)
    taken = mine.load(ADDRESS, 100)
    assert taken is not None
    assert taken.offset == 20


@pytest.mark.usefixtures("store")
def test_a_damaged_object_is_skipped_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    checkpoints = Checkpoints(URL, 3)
    checkpoints.save(ADDRESS, 10, {}, STATE)
    url = checkpoints.save(ADDRESS, 20, {}, STATE)
    fresh().pipe_file(url, fresh().cat_file(url)[:-1])
    taken = checkpoints.load(ADDRESS, 100)
    assert taken is not None
    assert taken.offset == 10
    assert url in caplog.text


@pytest.mark.usefixtures("store")
def test_a_bucket_that_is_not_there_is_an_error_and_no_empty_one() -> None:
    checkpoints = Checkpoints("s3://elsewhere/checkpoints", 3)
    with pytest.raises(CheckpointError, match="can't write checkpoints at s3://elsewhere"):
        checkpoints.probe()
    with pytest.raises(CheckpointError, match="can't read checkpoints at s3://elsewhere"):
        checkpoints.load(ADDRESS, 100)


@pytest.mark.parametrize("broken", [403, 500, 503], indirect=True)
def test_a_store_that_refuses_is_told_in_time(broken: str) -> None:
    checkpoints = Checkpoints(URL, 3)
    said = {"403": "permission denied", "500": "of the test", "503": "of the test"}[broken]
    started = time.monotonic()
    with pytest.raises(CheckpointError, match=f"can't write checkpoints at {URL}: .*{said}"):
        checkpoints.probe()
    with pytest.raises(CheckpointError, match=f"can't read checkpoints at {URL}: .*{said}"):
        checkpoints.load(ADDRESS, 100)
    assert time.monotonic() - started < LONGEST


@pytest.mark.parametrize("broken", [0], indirect=True)
@pytest.mark.usefixtures("broken")
def test_a_store_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.checkpoints.stores.LONGEST", 1.0)
    with pytest.raises(CheckpointError, match=f"can't write checkpoints at {URL}: no answer in time"):
        Checkpoints(URL, 3).probe()
    with pytest.raises(CheckpointError, match=f"can't read checkpoints at {URL}: no answer in time"):
        Checkpoints(URL, 3).load(ADDRESS, 100)


def test_a_daemon_goes_on_without_its_store_and_says_so_once(
    store: Store, tansu: EmbeddedBroker, tmp_path: Path
) -> None:
    settings = settings_for(tansu, "object-store", tmp_path)
    settings = structs.replace(settings, checkpoints=Keeping(url=URL, interval=1.0))
    log = tmp_path / "first.log"
    with Member(settings, tmp_path, "first") as member:
        write(settings, range(20))
        wait_until(lambda: len(fresh().find("forecasts")) >= PARTITIONS, "checkpoints in the store")
        store.kill()
        write(settings, range(20, 40))
        wait_until(lambda: "can't write checkpoints" in log.read_text(), "the daemon to say so")
        write(settings, range(40, 60))
        wait_until(lambda: count(settings) == 60 * RECORDS, "forecasts without the store")
        store.start()
        write(settings, range(60, 80))
        wait_until(lambda: "checkpoints are written again" in log.read_text(), "checkpoints again")
        assert log.read_text().count("can't write checkpoints") == 1
        assert member.end() == 0
    with Member(settings, tmp_path, "second") as member:
        write(settings, range(80, 100))
        wait_until(lambda: count(settings) == 100 * RECORDS, "forecasts after the restart")
        assert member.end() == 0
    assert "bootstrap" not in (tmp_path / "second.log").read_text()
    assert told(settings) == undisturbed(settings, tmp_path)


def test_nothing_secret_is_in_what_is_told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    with caplog.at_level(logging.DEBUG), pytest.raises(CheckpointError) as raised:
        Checkpoints(URL, 3).probe()
    assert "very-secret" not in caplog.text + str(raised.value)
