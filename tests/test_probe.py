"""Laws of the probe: it tells what came of its event, on a real broker with the real daemon."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from pipeline.embedded import EmbeddedBroker
from pipeline.probe import made_up
from pipeline.replay import FormError
from pipeline.settings import Events, Settings, to_toml
from tests.test_end_to_end import Member, settings_for


@pytest.fixture(scope="module")
def daemon(tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("probe")
    settings = settings_for(tansu, "probe", folder)
    with Member(settings, folder, "daemon"):
        yield settings


def probed(settings: Settings, folder: Path, *options: str) -> Result:
    file = folder / "settings.toml"
    file.write_text(to_toml(settings, mask=False))
    return CliRunner().invoke(main, ["probe", "-c", str(file), *options])


def test_a_daemon_that_works_answers_with_the_forecast(daemon: Settings, tmp_path: Path) -> None:
    done = probed(daemon, tmp_path)
    assert done.exit_code == 0, done.output
    place = r"a forecast is at probe-forecasts/\d@\d+, \d+\.\d\d s after the event was sent to probe-events/\d@\d+"
    assert re.fullmatch(place, done.output.strip())


def test_an_event_that_is_refused_is_told_with_the_reason(daemon: Settings, tmp_path: Path) -> None:
    done = probed(daemon, tmp_path, "--event", '{"value": "warm"}')
    assert done.exit_code == 1
    assert "the event came out as a dead letter, bad_value; `lstm-stream check`" in done.output


def test_where_no_daemon_works_it_says_where_to_look(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    done = probed(settings_for(tansu, "probe-alone", tmp_path), tmp_path, "--seconds", "1")
    assert done.exit_code == 1
    assert "no forecast in probe-alone-forecasts" in done.output
    assert "/readyz" in done.output


def test_an_event_that_cannot_be_made_up_has_to_be_given() -> None:
    with pytest.raises(FormError, match=r"events.series cannot be inverted; give an event .*--event JSON"):
        made_up(Events(series="{name}/{host}"), "s", None)
    assert made_up(Events(series="{name}/{host}"), "s", '{"a": 1}').value == b'{"a": 1}'
