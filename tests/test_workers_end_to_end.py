"""Several workers under one parent, on real brokers: they are killed, stopped and drained, and look like one."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.embedded import EmbeddedBroker
from pipeline.settings import Settings
from pipeline.workers.totals import Sample, counted, read
from tests.members import PARTITIONS, SERIES, Member, count, settings_for, told, undisturbed, write
from tests.servers import ApacheKafka, wait_until
from tests.test_end_to_end import Stream

PATIENCE = 180.0  # seconds: a worker imports and compiles before it is up
FORECASTS = Sample("lstm_stream_forecasts_total")


class Crew(Member):
    """`lstm-stream run --workers N` in a process of its own."""

    def __init__(self, settings: Settings, folder: Path, name: str, workers: int, *options: str) -> None:
        super().__init__(settings, folder, name, "--workers", str(workers), *options)
        self.workers = workers

    def pids(self) -> list[int]:
        """Of the workers; 0 for one that waits to be started again."""
        return [one["pid"] for one in self._status().get("workers", ())]

    def shares(self) -> list[int]:
        """How many partitions each of them holds, once all are ready."""
        status = self._status()
        ready = status.get("state") == "ready"
        return [one["partitions"] for one in status["workers"]] if ready else []

    def is_balanced(self) -> bool:
        return self.shares() == [PARTITIONS // self.workers] * self.workers

    def has_started_again(self, times: int) -> Callable[[], bool]:
        """Whether workers were started again so many times."""
        return lambda: sum(one["restarts"] for one in self._status().get("workers", ())) == times

    def url(self, path: str) -> str:
        found = re.search(r"http://127.0.0.1:\d+", self.log())
        assert found is not None
        return found[0] + path

    def metrics(self) -> Mapping[Sample, float]:
        with urllib.request.urlopen(self.url("/metrics"), timeout=10) as response:
            return read(response.read().decode())

    def log(self) -> str:
        return self._log.read_text()


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.fixture(params=["tansu", "apache_kafka"])
def broker(request: pytest.FixtureRequest) -> EmbeddedBroker | ApacheKafka:
    found: EmbeddedBroker | ApacheKafka = request.getfixturevalue(request.param)
    return found


def test_two_workers_look_like_one_and_drain_on_sigterm(broker: EmbeddedBroker | ApacheKafka, tmp_path: Path) -> None:
    settings = settings_for(broker, f"two-{type(broker).__name__.lower()}", tmp_path)
    write(settings, range(20))
    with Crew(settings, tmp_path, "crew", 2) as crew:
        wait_until(crew.is_balanced, "both to hold two partitions", PATIENCE)
        wait_until(lambda: crew.metrics()[FORECASTS] == 20 * SERIES, "all to be counted")
        status = crew.ask("/api/status")
        assert (status["observations"], status["dead_letters"]) == (20 * (SERIES + 1), 20)
        assert [one["partition"] for one in status["partitions"]] == list(range(PARTITIONS))
        names = crew.ask("/api/series")
        assert (len(names["series"]), names["total"]) == (SERIES, SERIES)
        wait_until(lambda: len(crew.ask("/api/series/series-3")["mean"]) == settings.model.horizon, "a forecast")
        assert crew.ask("/healthz")["healthy"]
        assert crew.ask("/readyz")["ready"]
        if shutil.which("promtool"):
            with urllib.request.urlopen(crew.url("/metrics"), timeout=10) as page:
                checked = subprocess.run(
                    ["promtool", "check", "metrics"], input=page.read(), capture_output=True, check=False
                )
            assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
        pids = crew.pids()
        assert crew.end() == 0
    assert not any(map(is_running, pids))
    assert count(settings) == 20 * (SERIES + 1)
    assert told(settings) == undisturbed(settings, tmp_path, PATIENCE)


def test_workers_that_are_killed_at_random_moments_change_no_forecast(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    settings = settings_for(apache_kafka, "crew-killed", tmp_path)
    chance = random.Random(7)
    write(settings, range(20))
    stream, before = Stream(settings, 20), dict[Sample, float]()
    with Crew(settings, tmp_path, "crew", 2) as crew:
        wait_until(crew.is_balanced, "both to hold two partitions", PATIENCE)
        stream.start()
        for kills in range(1, 4):
            time.sleep(chance.random())
            os.kill(chance.choice(crew.pids()), signal.SIGKILL)
            wait_until(crew.has_started_again(kills), "the end to be noticed")

            def has_it_back() -> bool:
                """As it is asked for again and again, no counter goes back."""
                now = counted(crew.metrics())
                assert not {sample: (value, now[sample]) for sample, value in before.items() if now[sample] < value}
                before.update(now)
                return crew.is_balanced()

            wait_until(has_it_back, "both to hold two partitions again", PATIENCE)
        steps = stream.end()
        wait_until(lambda: count(settings) >= steps * (SERIES + 1), "all to be told")
        assert crew.metrics()[Sample("lstm_stream_worker_restarts_total")] == 3
        assert crew.end() == 0
    assert crew.log().count("was killed by SIGKILL") == 3
    assert count(settings) == steps * (SERIES + 1)
    assert told(settings) == undisturbed(settings, tmp_path, PATIENCE)


def test_no_worker_outlives_a_parent_that_is_killed_and_no_forecast_is_lost(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    settings = settings_for(apache_kafka, "crew-orphans", tmp_path)
    write(settings, range(20))
    stream = Stream(settings, 20)
    with Crew(settings, tmp_path, "crew", 2) as crew:
        wait_until(crew.is_balanced, "both to hold two partitions", PATIENCE)
        stream.start()
        time.sleep(1.0)
        pids = crew.pids()
        assert len(pids) == 2
        assert all(map(is_running, pids))
        crew.kill()
        wait_until(lambda: not any(map(is_running, pids)), "the workers to end with it")
    steps = stream.end()
    with Crew(settings, tmp_path, "again", 2, "--drain") as again:
        assert again.wait(PATIENCE) == 0
    assert "all is done that was in the log at the start" in again.log()
    assert count(settings) == steps * (SERIES + 1)
    assert told(settings) == undisturbed(settings, tmp_path, PATIENCE)


def test_a_second_signal_ends_all_at_once(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    settings = settings_for(tansu, "crew-twice", tmp_path)
    with Crew(settings, tmp_path, "crew", 2) as crew:
        wait_until(crew.is_balanced, "both to hold two partitions", PATIENCE)
        pids = crew.pids()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # so that they do not end at the first
        crew.send(signal.SIGINT)
        wait_until(lambda: "SIGINT: stopping" in crew.log(), "the first to be noticed")
        crew.send(signal.SIGINT)
        assert crew.wait() == -signal.SIGINT
        wait_until(lambda: not any(map(is_running, pids)), "the workers to end with it")


def test_settings_that_no_worker_can_use_end_all_with_one_message(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    settings = settings_for(tansu, "crew-refused", tmp_path)
    checkpoints = structs.replace(settings.checkpoints, url="nowhere://bucket/path")
    with Crew(structs.replace(settings, checkpoints=checkpoints), tmp_path, "crew", 2) as crew:
        assert crew.wait(PATIENCE) == 1
    assert crew.log().count("set checkpoints.url to") == 1


def test_two_workers_drain_together_and_a_third_that_is_idle_does_not_hinder_them(
    tansu: EmbeddedBroker, tmp_path: Path
) -> None:
    settings = settings_for(tansu, "crew-drained", tmp_path)
    write(settings, range(10))
    with Crew(settings, tmp_path, "crew", PARTITIONS + 1, "--drain") as crew:
        assert crew.wait(PATIENCE) == 0
    assert count(settings) == 10 * (SERIES + 1)
