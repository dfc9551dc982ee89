"""Laws of the probe: it tells what came of its event, on a real broker with the real daemon."""

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from pipeline.cli import main
from pipeline.cluster import Writer
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.probe import made_up
from pipeline.replay import FormError
from pipeline.settings import Events, Settings, Web, to_toml
from pipeline.web.client import address
from tests.certificates import Authority
from tests.members import Member, settings_for


@pytest.fixture(scope="module")
def daemon(tansu: EmbeddedBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("probe")
    web = Authority(folder / "certificates").sign("web")
    settings = settings_for(tansu, "probe", folder)
    own = Web(port=free_port(), token="of-the-port", tls_certfile=str(web.file), tls_keyfile=str(web.key))
    settings = structs.replace(settings, web=own)
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


def test_it_asks_the_port_too_as_prometheus_does(daemon: Settings, tmp_path: Path) -> None:
    url = address(daemon.web)
    done = probed(daemon, tmp_path, "--url", url, "--series", "asked")
    assert done.exit_code == 0, done.output
    assert done.output.endswith(f"{url} is ready, and tells its metrics\n")


def test_a_port_that_refuses_or_is_not_there_is_told(daemon: Settings, tmp_path: Path) -> None:
    other = structs.replace(daemon, web=structs.replace(daemon.web, token="of-another"))
    url, nowhere = address(daemon.web), f"https://127.0.0.1:{free_port()}"
    refused = probed(other, tmp_path, "--url", url, "--seconds", "5", "--series", "refused")
    assert refused.exit_code == 1
    assert f"{url}/metrics answers 401" in refused.output
    absent = probed(daemon, tmp_path, "--url", nowhere, "--seconds", "5", "--series", "absent")
    assert absent.exit_code == 1
    assert f"the daemon does not answer at {nowhere}" in absent.output


def test_an_event_that_is_refused_is_told_with_the_reason(daemon: Settings, tmp_path: Path) -> None:
    done = probed(daemon, tmp_path, "--event", '{"value": "warm"}')
    assert done.exit_code == 1
    assert "the event came out as a dead letter, bad_value; `lstm-stream check`" in done.output


def long_ago(minutes: int) -> float:
    return time.time() - 60 * minutes


def test_a_probe_of_long_ago_is_no_jump_that_lets_a_later_one_fail(daemon: Settings, tmp_path: Path) -> None:
    series = "seldom"
    with Writer(daemon, daemon.kafka.inputs[0]) as writer:
        for minutes in (3003, 3002, 3001):
            writer.write(made_up(daemon.events, series, None, partial(long_ago, minutes)))
    done = probed(daemon, tmp_path, "--series", series)
    assert done.exit_code == 0, done.output


def test_where_no_daemon_works_it_says_where_to_look(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    done = probed(settings_for(tansu, "probe-alone", tmp_path), tmp_path, "--seconds", "1")
    assert done.exit_code == 1
    assert "no forecast in probe-alone-forecasts" in done.output
    assert "/readyz" in done.output


def test_an_event_that_cannot_be_made_up_has_to_be_given() -> None:
    with pytest.raises(FormError, match=r"events.series cannot be inverted; give an event .*--event JSON"):
        made_up(Events(series="{name}/{host}"), "s", None)
    assert made_up(Events(series="{name}/{host}"), "s", '{"a": 1}').value == b'{"a": 1}'
