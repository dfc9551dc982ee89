"""SIGHUP: what can change changes, what is wrong keeps the old, and each is told."""

import signal
from functools import partial
from pathlib import Path

import pytest
from msgspec import structs

from pipeline.embedded import EmbeddedBroker
from pipeline.reloading import Reloading
from pipeline.settings import Settings, load, to_toml
from tests.servers import wait_until
from tests.test_end_to_end import Member, settings_for


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
        assert daemon.end() == 0
