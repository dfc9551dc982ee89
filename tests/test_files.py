"""Files of many kinds, written after public forms: each is read as its owner means it, or refused with the fix.

`files/expected.toml` says what must come of each, through the options and the reading of the real commands.
"""

import json
import shlex
import tomllib
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.cluster import create_topics, read_topic
from pipeline.commands.file_options import file_options_of
from pipeline.commands.options import settings_of
from pipeline.embedded import EmbeddedBroker
from pipeline.evaluation.log import Past, read_file
from pipeline.files.packing import TableError
from pipeline.messages import iso8601
from pipeline.replay import Form
from pipeline.settings import Settings, load, to_toml

FOLDER = Path(__file__).parent / "files"


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file, options, and what must come of them: lines told and some observations, or a refusal."""

    file: str
    options: str = ""
    told: tuple[str, ...] = ()
    observations: int = 0
    first: str = ""
    last: str = ""
    refused: str = ""


CASES = msgspec.convert(tomllib.loads((FOLDER / "expected.toml").read_text())["case"], list[Case])


def read(case: Case) -> Past:
    """As `evaluate` reads it."""
    arguments = [str(FOLDER / case.file), *shlex.split(case.options)]
    with main.commands["evaluate"].make_context("evaluate", arguments) as context:
        settings = settings_of(None, context.params["overrides"])
        form = Form(settings.events)
        return read_file(
            FOLDER / case.file, form.fields, file_options_of(settings.events), context.params["season"] or 0
        )


def shown(past: Past, place: int) -> str:
    log = past.log
    return f"{log.names[log.series[place]]} {iso8601(int(log.times[place]))} {log.values[place]:.10g}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file} {case.options}".strip())
def test_a_file_is_read_as_it_is_meant_or_refused_with_the_fix(case: Case) -> None:
    if case.refused:
        with pytest.raises(TableError) as refused:
            read(case)
        assert str(refused.value).removeprefix(str(FOLDER / case.file)).lstrip(":, ") == case.refused
        return
    past = read(case)
    assert past.told == case.told
    assert len(past.log.values) == case.observations
    assert (shown(past, 0), shown(past, -1)) == (case.first, case.last)


def test_every_file_has_a_case_and_there_are_many() -> None:
    files = {file.name for file in FOLDER.iterdir()} - {"expected.toml"}
    assert files == {case.file for case in CASES}
    assert len(files) > 130


def test_each_refusal_is_one_line_that_names_an_option_or_the_place() -> None:
    for case in CASES:
        if case.refused:
            assert "\n" not in case.refused
            assert len(case.refused) < 320


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in CASES
        if case.file in ("walmart.csv", "uci_air.csv", "kaggle_web.csv", "stock.csv", "no_times.csv")
    ],
    ids=lambda case: f"{case.file} {case.options}".strip(),
)
def test_evaluate_tells_first_how_it_read_the_file_or_only_why_not(case: Case) -> None:
    small = ["--horizon", "1", "--set", "model.hidden_size=4", "--set", "model.effort=0"]
    result = CliRunner().invoke(main, ["evaluate", str(FOLDER / case.file), *shlex.split(case.options), *small])
    if case.refused:
        assert result.exit_code == 1
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
        assert case.refused in result.stderr
        return
    assert result.exit_code == 0, result.output
    assert tuple(result.stdout.splitlines()[: len(case.told)]) == case.told
    assert "seasonal naive" in result.stdout


@pytest.fixture
def settings_file(tansu: EmbeddedBroker, tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(to_toml(tansu.settings_for(Settings())))
    return file


@pytest.mark.parametrize(
    "name",
    [
        *("home_assistant.csv", "uci_power.txt", "lines.jsonl", "spark.parquet", "walmart.csv"),
        *("months_across.csv", "hours_across.csv", "dollar.csv", "open_meteo.json", "toa5.dat", "two_headers.csv"),
    ],
)
def test_what_is_replayed_is_evaluated_from_the_topic_as_from_the_file(settings_file: Path, name: str) -> None:
    topic = f"files-{name.replace('_', '-')}"
    chosen = ["-c", str(settings_file), "--set", f"kafka.input={topic}"]
    create_topics(load(str(settings_file), {}, [f"kafka.input={topic}"]))
    replayed = CliRunner().invoke(main, ["replay", str(FOLDER / name), *chosen])
    assert replayed.exit_code == 0, replayed.output
    case = next(case for case in CASES if case.file == name and not case.options)
    assert tuple(replayed.stdout.splitlines()[: len(case.told)]) == case.told
    settings = load(str(settings_file), {}, [f"kafka.input={topic}"])
    assert len(list(read_topic(settings, topic))) == case.observations
    small = ["--horizon", "1", "--set", "model.hidden_size=4", "--set", "model.effort=0", "--json"]
    scores = []
    for what in ([str(FOLDER / name)], ["--topic", topic]):
        result = CliRunner().invoke(main, ["evaluate", *what, *chosen, *small])
        assert result.exit_code == 0, result.output
        scores.append(json.loads(result.stdout.splitlines()[-1])["last_value"]["horizons"])
    assert scores[0] == scores[1]


def test_a_file_and_a_topic_are_two_ways_to_say_what() -> None:
    for arguments in ([], [str(FOLDER / "stock.csv"), "--topic", "events"]):
        result = CliRunner().invoke(main, ["evaluate", *arguments])
        assert result.exit_code == 2
        assert "give a FILE or --topic" in result.stderr


def test_a_topic_without_observations_is_refused_in_one_line(settings_file: Path) -> None:
    topic = "nothing-in-it"
    create_topics(load(str(settings_file), {}, [f"kafka.input={topic}"]))
    result = CliRunner().invoke(main, ["evaluate", "--topic", topic, "-c", str(settings_file)])
    assert result.exit_code == 1
    assert f"topic `{topic}` holds no observation" in result.stderr


@pytest.mark.parametrize("span", ["0", "1y", "-5", "soon"])
def test_a_span_that_is_none_is_bad_usage(span: str) -> None:
    result = CliRunner().invoke(main, ["evaluate", str(FOLDER / "no_times.csv"), "--step", span])
    assert result.exit_code == 2
    assert "expected seconds" in result.stderr


def test_each_option_of_files_is_there_in_each_command_that_reads_one() -> None:
    def options(name: str) -> set[str]:
        return {str(one.name) for one in main.commands[name].params if isinstance(one, click.Option)}

    shared = {
        "time",
        "series",
        "values",
        "time_format",
        "timezone",
        "step",
        "missing",
        "booleans",
        "decimal",
        "encoding",
    }
    assert all(shared <= options(name) for name in ("evaluate", "replay", "demo"))
