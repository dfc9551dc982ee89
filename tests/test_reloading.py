"""SIGHUP: what can change changes, what is wrong keeps the old, and each is told."""

import re
import signal
import urllib.request
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.cluster import Writer
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing
from pipeline.reloading import Reloading
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Metrics as Exports
from pipeline.settings import Settings, load, to_toml
from tests.members import Member, settings_for
from tests.servers import wait_until


class Reloaded(Reloading):
    """Of a file that the test writes."""

    def __init__(self, file: Path) -> None:
        self.applied: list[Settings] = []
        super().__init__(Settings(), lambda: load(str(file), {}, []), self.applied.append)


def test_a_log_level_is_taken_over_and_what_needs_a_restart_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "settings.toml"
    reloading = Reloaded(file)
    file.write_text('[log]\nlevel = "debug"\n[model]\nhorizon = 3\n')
    reloading.again()
    assert [one.log.level for one in reloading.applied] == ["debug"]
    assert [one.model.horizon for one in reloading.applied] == [24]
    assert "log.level taken over; model.horizon would need a restart" in caplog.text


def test_what_can_change_while_a_daemon_runs_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "settings.toml"
    reloading = Reloaded(file)
    file.write_text(
        "[kafka]\nmax_poll_records = 7\n[delivery]\npublish = 'latest'\ncommit_interval = 1\n"
        "[checkpoints]\ninterval = 9\nurl = 'elsewhere'\n"
        "[metrics]\nseries = ['a']\ntop = 3\ntop_by = 'error'\nsteps = [2]\n[web]\ntoken = 'of-the-port'\n"
    )
    reloading.again()
    (now,) = reloading.applied
    assert (now.kafka.max_poll_records, now.delivery.publish, now.delivery.commit_interval) == (7, "latest", 1)
    assert now.checkpoints == Keeping(interval=9)
    assert now.metrics == Exports(series=("a",), top=3, top_by="error", steps=(2,))
    assert now.web == Settings().web
    assert "checkpoints.url, web.token would need a restart and stay as they were" in caplog.text
    assert "of-the-port" not in caplog.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[log]\nlevel = "loud"\n', 'log.level is "loud"'),
        ("[log\n", "not TOML"),
        ("[log]\nlevl = 1\n", "did you mean `level`"),
    ],
)
def test_a_bad_file_keeps_the_old_settings_and_says_so(
    text: str, told: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "settings.toml"
    reloading = Reloaded(file)
    file.write_text(text)
    reloading.again()
    assert reloading.applied == []
    assert "the settings stay as they are" in caplog.text
    assert told in caplog.text


def test_a_file_that_is_gone_keeps_the_old_settings(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reloading = Reloaded(tmp_path / "gone.toml")
    reloading.again()
    assert reloading.applied == []
    assert "the settings stay as they are" in caplog.text


def body(name: str, step: int) -> bytes:
    return b'{"series": "%s", "timestamp": %d, "value": %d}' % (name.encode(), 1_700_000_000 + 60 * step, step)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_running_daemon_exports_the_series_that_it_is_told_to_and_no_others(
    tansu: EmbeddedBroker, tmp_path: Path, workers: int
) -> None:
    settings = settings_for(tansu, f"hup-series-{workers}", tmp_path)
    file, log = tmp_path / "daemon.toml", tmp_path / "daemon.log"
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for step in range(300):  # so many that none is warming
            for name in ("a", "b"):
                writer.write(Outgoing(name.encode(), body(name, step)))
    with Member(settings, tmp_path, "daemon", "--workers", str(workers)) as daemon:
        wait_until(lambda: len(daemon.partitions()) == 4, "it to be ready", 180)
        assert exported(daemon) == set()
        for chosen in (("a",), ("a", "b"), ("b",), ()):
            file.write_text(to_toml(structs.replace(settings, metrics=Exports(series=chosen)), mask=False))
            daemon.send(signal.SIGHUP)
            wait_until(partial(exports, daemon, set(chosen)), f"it to export {chosen}", 60)
        other = structs.replace(settings.model, horizon=5)
        file.write_text(
            to_toml(structs.replace(settings, metrics=Exports(top=1, top_by="error"), model=other), mask=False)
        )
        daemon.send(signal.SIGHUP)
        wait_until(lambda: len(exported(daemon)) > 0, "it to export the first of the ranking", 60)
        assert "metrics.top, metrics.top_by taken over; model.horizon would need a restart" in log.read_text()
        assert daemon.end() == 0


def exported(daemon: Member) -> set[str]:
    """The series that /metrics tells of one by one."""
    with urllib.request.urlopen(f"{daemon.page()}/metrics", timeout=10) as answer:
        return set(re.findall(r'lstm_stream_series_value{.*series="(\w+)"', answer.read().decode()))


def exports(daemon: Member, chosen: set[str]) -> bool:
    return exported(daemon) == chosen


def log_tells(log: Path, text: str) -> bool:
    return text in log.read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_running_daemon_and_its_workers_take_a_log_level_over_and_go_on(
    tansu: EmbeddedBroker, tmp_path: Path, workers: int
) -> None:
    settings = settings_for(tansu, f"hup-{workers}", tmp_path)
    file, log = tmp_path / "daemon.toml", tmp_path / "daemon.log"
    with Member(settings, tmp_path, "daemon", "--workers", str(workers)) as daemon:
        wait_until(lambda: len(daemon.partitions()) == 4, "it to be ready", 180)
        file.write_text('[log]\nlevel = "loud"\n')
        daemon.send(signal.SIGHUP)
        wait_until(lambda: "the settings stay as they are" in log.read_text(), "a refusal")
        assert "DEBUG" not in log.read_text()
        file.write_text(to_toml(structs.replace(settings, log=structs.replace(settings.log, level="debug"))))
        daemon.send(signal.SIGHUP)
        tells = [f"[worker {number}]" for number in range(workers)] if workers > 1 else [""]
        for who in tells:
            line = f"DEBUG   {who}"
            wait_until(partial(log_tells, log, line), f"{who} to tell more")
        again = log.read_text().count("log.level taken over") + 1
        file.write_text(to_toml(settings))  # at this level Kafka's client tells of its closed sockets, with tracebacks
        daemon.send(signal.SIGHUP)
        wait_until(lambda: log.read_text().count("log.level taken over") >= again, "it to tell less again")
        assert daemon.end() == 0
