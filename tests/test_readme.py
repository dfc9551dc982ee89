"""What the README says is what the code does."""

import doctest
import json
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from pipeline import metrics, settings
from pipeline.cli import main
from pipeline.dead_letters import REASONS
from pipeline.messages import decode_forecast

README = (Path(__file__).parent.parent / "README.md").read_text()


def reasons() -> str:
    """The table of reasons for a dead letter."""
    rows = [f"| `{reason}` | {meaning} |" for reason, meaning in REASONS.items()]
    return "\n".join(["| reason | means |", "|---|---|", *rows])


@pytest.mark.parametrize(
    "table", [settings.table(), metrics.markdown(), reasons()], ids=["settings", "metrics", "reasons"]
)
def test_its_tables_are_those_of_the_code(table: str) -> None:
    assert table.strip() in README


def test_the_settings_that_it_gives_for_a_topic_are_such() -> None:
    rows = README.partition("| your topic looks like |")[2].partition("\n\n")[0]
    given = re.findall(r"`(\w+ = .*?)`(?=[,;|\s])", "\n".join(row.rpartition(" | ")[2] for row in rows.splitlines()))
    assert len(given) > 20
    for text in given:
        assert msgspec.convert(tomllib.loads(text), settings.Events, strict=True) != settings.Events(), text


def test_its_examples_run() -> None:
    examples = doctest.DocTestParser().get_doctest(README, {}, "README.md", "README.md", 0)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0


def test_the_forecast_it_shows_is_one() -> None:
    shown = next(block for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL) if '"quantiles"' in block)
    message = decode_forecast(json.dumps(json.loads(shown)).encode())
    assert message.horizon == len(message.mean) == 3


def test_the_files_it_names_are_there() -> None:
    top = Path(__file__).parent.parent
    named = re.findall(r"`((?:lstm_stream|pipeline|deploy|tests)/[\w/.-]*)`", README)
    assert named
    assert [name for name in named if not (top / name).exists()] == []


def test_each_command_it_names_exists_and_none_is_missing() -> None:
    named = set(re.findall(r"^\| `lstm-stream ([\w-]+)", README, re.MULTILINE))
    assert named == set(main.commands)
