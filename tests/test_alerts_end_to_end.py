"""A real Prometheus and Alertmanager watch a real daemon on a real broker; each fault is a real one."""

import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.alerts import alerts, lines
from pipeline.cluster import Writer, create_topics
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.messages import Outgoing
from pipeline.monitoring import ALERTMANAGER, RULES, Monitoring
from pipeline.settings import PREFIX, Settings, to_toml
from tests.servers import stays, wait_until

HAS_BOTH = shutil.which("prometheus") and any(map(shutil.which, ALERTMANAGER))
pytestmark = pytest.mark.skipif(
    not HAS_BOTH, reason="prometheus and alertmanager (Debian: prometheus-alertmanager) are not on the PATH"
)
INTERVAL = 1.0  # seconds from one scrape to the next
SERIES = 20
LEARNT = 400  # steps that the series are known for before anybody watches
BEGIN = int(time.time()) - 40_000


def hastened(folder: Path) -> list[Path]:
    """The rules as they are shipped, but for how long a fault has to last, where that is 5 minutes at most."""
    folder.mkdir()
    for file in RULES.glob("*.yml"):
        (folder / file.name).write_text(re.sub(r"for: [0-5]m", "for: 2s", file.read_text()))
    return sorted(folder.iterdir())


class Daemon:
    """The real one; it can be killed, and started again."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._file, self._log = folder / "lstm-stream.toml", folder / "daemon.log"
        self._file.write_text(to_toml(settings, mask=False))
        self.page = f"http://{settings.web.host}:{settings.web.port}"

    def start(self) -> None:
        command = [sys.executable, "-m", "pipeline", "run", "-c", str(self._file)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        with open(self._log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        wait_until(self.is_ready, "the daemon to be ready")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"{self.page}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def observations(self) -> int:
        with urllib.request.urlopen(f"{self.page}/api/status", timeout=5) as answer:
            return int(json.load(answer)["observations"])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Pager:
    """What Alertmanager would page somebody about."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring

    def names(self) -> set[str]:
        with urllib.request.urlopen(f"{self._monitoring.alertmanager_url}/api/v2/alerts?active=true", timeout=5) as got:
            return {one["labels"]["alertname"] for one in json.load(got)}

    def wait_for(self, name: str, fault: str) -> None:
        seconds = wait_until(lambda: name in self.names(), f"{name} after {fault}", patience=90)
        print(f"{name}: {seconds:.0f} s after {fault}")

    def has_heard_no_more_of(self, name: str) -> None:
        wait_until(lambda: name not in self.names(), f"{name} to be resolved", patience=90)


def events(steps: range, factor: float = 1.0) -> Iterator[Outgoing]:
    """A step a second of each series; 1 with the usual values."""
    for step in steps:
        for number in range(SERIES):
            value = factor * (math.sin(step / 7 + number) + random.Random(step * SERIES + number).gauss(0, 0.3))
            event = {"series": f"s{number}", "timestamp": BEGIN + step, "value": value}
            yield Outgoing(f"s{number}".encode(), json.dumps(event).encode())


def send(settings: Settings, records: Iterable[Outgoing]) -> None:
    with Writer(settings, "events") as writer:
        for record in records:
            writer.write(record)


def settings_for(broker: EmbeddedBroker, folder: Path) -> Settings:
    small = broker.settings_for(Settings())
    return structs.replace(
        small,
        kafka=structs.replace(small.kafka, partitions=2),
        delivery=structs.replace(small.delivery, mode="at_least_once"),  # the embedded broker ends no dead one's
        checkpoints=structs.replace(small.checkpoints, url=str(folder / "checkpoints"), interval=1.0),
        web=structs.replace(small.web, port=free_port()),
        metrics=structs.replace(small.metrics, series=("s1",), top=2),
    )


def test_alerts_fire_by_their_real_faults_and_end_with_them(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        settings = settings_for(broker, tmp_path)
        create_topics(settings)
        daemon = Daemon(settings, tmp_path)
        target = daemon.page.removeprefix("http://")
        daemon.start()
        try:
            send(settings, events(range(LEARNT)))
            wait_until(lambda: daemon.observations() == LEARNT * SERIES, "the series to be known")
            rules = hastened(tmp_path / "rules")
            with Monitoring(target, tmp_path / "monitoring", rules, interval=INTERVAL) as monitoring:
                watch(daemon, settings, tmp_path, monitoring)
        finally:
            daemon.kill()


def watch(daemon: Daemon, settings: Settings, folder: Path, monitoring: Monitoring) -> None:
    pager = Pager(monitoring)
    a_healthy_daemon(settings, pager, monitoring)
    a_bad_producer(settings, pager)
    values_that_never_were(settings, pager)
    no_way_to_write_checkpoints(settings, folder, pager)
    a_daemon_that_is_stopped(daemon, pager)
    a_daemon_that_is_killed_again_and_again(daemon, pager)
    known = alerts(monitoring.url)
    annotations = [text for rule in known for one in rule.alerts for text in one.annotations.values()]
    assert [text for text in annotations if not text or "<" in text or "{{" in text] == []  # as templates fail
    told = "\n".join(lines(known))
    print(told)
    assert re.search(r"firing +critical +LstmStreamCrashLoop\n +since \S+Z: 127\.0\.0\.1:\d+ was started again", told)


def a_healthy_daemon(settings: Settings, pager: Pager, monitoring: Monitoring) -> None:
    wait_until(lambda: asked(monitoring, "lstm_stream_scored_total") > 0, "a first look at what was scored before")
    send(settings, events(range(LEARNT, LEARNT + 100)))
    wait_until(lambda: asked(monitoring, "lstm_stream:relative_error:ratio15m") > 0, "the first scores")
    assert stays(lambda: not pager.names(), 8), pager.names()
    for name in ("series_value", "series_forecast", "event_to_commit_seconds_bucket", "lag_seconds", "state_bytes"):
        assert asked(monitoring, f"lstm_stream_{name}") > 0, name


def asked(monitoring: Monitoring, expression: str) -> int:
    """How many series an expression has."""
    with urllib.request.urlopen(f"{monitoring.url}/api/v1/query?query={expression}", timeout=5) as answer:
        return len(json.load(answer)["data"]["result"])


def a_bad_producer(settings: Settings, pager: Pager) -> None:
    send(settings, (Outgoing(b"%d" % n, b"no JSON") for n in range(1500)))
    pager.wait_for("LstmStreamDeadLetters", "1500 bad records")
    pager.wait_for("LstmStreamLosing", "1500 bad records")


def values_that_never_were(settings: Settings, pager: Pager) -> None:
    for step in range(LEARNT + 100, LEARNT + 160):
        send(settings, events(range(step, step + 1), factor=(step % 7 - 3) * 1e3))
    pager.wait_for("LstmStreamAnomalies", "60 steps of values that never were")


def no_way_to_write_checkpoints(settings: Settings, folder: Path, pager: Pager) -> None:
    """The folder is gone, and a file is in its place."""
    checkpoints = folder / "checkpoints"
    checkpoints.rename(folder / "elsewhere")
    checkpoints.write_text("full")
    send(settings, events(range(LEARNT + 160, LEARNT + 162)))
    pager.wait_for("LstmStreamCheckpointsFailing", "the folder of checkpoints was gone")
    checkpoints.unlink()
    (folder / "elsewhere").rename(checkpoints)


def a_daemon_that_is_stopped(daemon: Daemon, pager: Pager) -> None:
    daemon.process.send_signal(signal.SIGSTOP)
    pager.wait_for("LstmStreamDown", "SIGSTOP")
    daemon.process.send_signal(signal.SIGCONT)
    pager.has_heard_no_more_of("LstmStreamDown")


def a_daemon_that_is_killed_again_and_again(daemon: Daemon, pager: Pager) -> None:
    daemon.kill()
    pager.wait_for("LstmStreamDown", "kill -9")
    daemon.start()
    for _ in range(2):
        time.sleep(3 * INTERVAL)  # a start that no scrape has seen is none
        daemon.kill()
        daemon.start()
    pager.wait_for("LstmStreamCrashLoop", "the third kill -9")
