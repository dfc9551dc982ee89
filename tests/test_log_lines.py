"""Laws of the daemon's log: one object a line where that is asked for, and no secret in any line."""

import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.log_lines import MASK, SHORTEST, JsonLines, TextLines, Troubles, masked, without_debug_traces
from pipeline.process import set_level, start_log
from pipeline.settings import Kafka, Log, Settings, Web, secrets


def record(message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    trace = None
    if failed:
        try:
            raise ValueError("secret-in-a-traceback")
        except ValueError:
            trace = sys.exc_info()
    return logging.LogRecord("pipeline.worker", logging.WARNING, "", 1, message, arguments, trace)


@given(st.text())
def test_whatever_the_message_holds_is_one_line_and_one_object(message: str) -> None:
    line = JsonLines(2, ()).format(record("%s", message))
    assert len(line.splitlines()) == 1 or {"\x85", "\u2028", "\u2029"} & set(message)
    assert "\n" not in line
    told = json.loads(line)
    assert set(told) == {"time", "level", "logger", "message", "worker"}
    assert (told["level"], told["logger"], told["message"], told["worker"]) == (
        "warning",
        "pipeline.worker",
        message,
        2,
    )
    assert told["time"].endswith("Z")


@pytest.mark.parametrize(
    "lines", [JsonLines(None, ["secret-in-a-traceback"]), TextLines("", ["secret-in-a-traceback"])]
)
def test_a_traceback_is_told_without_its_secrets(lines: logging.Formatter) -> None:
    line = lines.format(record("it failed", failed=True))
    assert "ValueError" in line
    assert "secret-in-a-traceback" not in line
    assert MASK in line


@pytest.mark.parametrize(
    ("name", "level", "lines"),
    [
        ("kafka.cluster", logging.DEBUG, 1),
        ("kafka.net.manager", logging.ERROR, 5),
        ("kafkaesque", logging.DEBUG, 5),
        ("pipeline.worker", logging.DEBUG, 5),
    ],
)
def test_what_kafkas_client_notes_of_an_error_at_the_level_debug_is_one_line(name: str, level: int, lines: int) -> None:
    noted = record("it failed", failed=True)
    noted.name, noted.levelno = name, level
    assert without_debug_traces(noted)
    line = TextLines("", ()).format(noted)
    assert len(line.splitlines()) == lines
    assert "ValueError" in line
    assert "it failed" in line


@given(st.text(min_size=SHORTEST), st.text(), st.text())
def test_no_secret_of_some_length_is_left_in_a_text(secret: str, before: str, after: str) -> None:
    if secret not in MASK and secret not in before + MASK + after:
        assert secret not in masked(before + secret + after, [secret])


def test_a_secret_that_holds_another_is_masked_as_a_whole() -> None:
    assert masked("the token is hush-and-more", ["hush", "hush-and-more"]) == f"the token is {MASK}"


def test_what_a_url_signs_in_with_is_a_secret_too() -> None:
    settings = Settings(kafka=Kafka(ssl_password="of-the-key"), web=Web())
    assert secrets(settings) == ("of-the-key",)


def test_the_last_warnings_are_remembered_and_what_is_less_is_not() -> None:
    troubles = Troubles(["hush-hush"])
    logger = logging.getLogger("of.a.test")
    logger.addHandler(troubles)
    logger.setLevel("INFO")
    for number in range(200):
        logger.warning("number %d, hush-hush", number)
    logger.info("nothing")
    assert len(troubles.lines()) == 100
    assert troubles.lines()[-1].endswith(f"number 199, {MASK}")


@contextmanager
def fresh_root() -> Iterator[logging.Logger]:
    """The root logger without handlers, put back in the end."""
    root, hook = logging.getLogger(), sys.excepthook
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    yield root
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(False)
    sys.excepthook = hook


def test_a_log_in_json_tells_python_s_warnings_and_last_errors_as_objects_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fresh_root(), warnings.catch_warnings():
        start_log(Log(format="json"), (), 3)
        warnings.simplefilter("always")
        warnings.warn("of some library", UserWarning, stacklevel=1)
        sys.excepthook(ValueError, ValueError("unexpected"), None)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [one["worker"] for one in told] == [3, 3]
    assert "of some library" in told[0]["message"]
    assert "unexpected" in told[1]["exception"]


def test_the_level_can_change_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with fresh_root() as root:
        start_log(Log(level="warning"))
        root.info("not yet")
        set_level("info")
        root.info("told")
    assert [line[-4:] for line in capsys.readouterr().err.splitlines()] == ["told"]
