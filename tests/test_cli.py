"""The commands say what they do, do it, and answer what is wrong in one line with the right exit code."""

import json
import math
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pipeline.checkpoints import Address, Checkpoints
from pipeline.cli import main
from pipeline.cluster import create_topics, read_topic
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.events.decoder import Decoder
from pipeline.messages import Record
from pipeline.settings import Events, Settings, load, to_toml
from pipeline.shard import Shard

DONE, FAILURE, USAGE = 0, 1, 2


def invoke(*arguments: str) -> Result:
    return CliRunner(env={"LSTM_STREAM_KAFKA__CONNECT_TIMEOUT": "0.5"}).invoke(main, arguments)


@pytest.fixture
def waves(tmp_path: Path) -> Path:
    """Two hourly series of 200 rows."""
    file = tmp_path / "waves.csv"
    lines = (f"{1_700_000_000 + 3600 * row},{math.sin(row / 4):.4f},{row % 24}\n" for row in range(200))
    file.write_text("timestamp,sine,saw\n" + "".join(lines))
    return file


def one_line(result: Result) -> str:
    """What a refusal says, if it says it as it should."""
    assert "Traceback" not in result.output
    assert isinstance(result.exception, SystemExit)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0].removeprefix("Error: ")


@pytest.mark.parametrize("name", ["", *main.commands])
def test_each_command_explains_itself_and_its_exit_codes(name: str) -> None:
    result = invoke(*([name] if name else []), "--help")
    assert result.exit_code == DONE
    assert "0 done, 1 failure, 2 bad usage or settings" in " ".join(result.output.split())


def test_each_option_has_a_help_text() -> None:
    options = [one for command in main.commands.values() for one in command.params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


def test_help_does_not_wait_for_the_network_or_kafka() -> None:
    slow = {"torch", "kafka", "matplotlib", "river", "numba", "numpy"}
    script = f"import sys, pipeline.cli; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_look_at_a_topic_does_not_wait_for_the_network() -> None:
    slow = {"torch", "river", "sklearn", "matplotlib", "duckdb"}
    script = f"import sys, pipeline.check.looking, pipeline.check.tables; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_daemon_does_not_wait_for_what_only_forecasters_and_files_need() -> None:
    slow = {"sklearn", "matplotlib", "duckdb", "pandas"}
    script = f"import sys, pipeline.worker; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_benchmark_without_settings_is_on_the_embedded_broker_and_tells_all_as_json() -> None:
    small = ("--set", "model.hidden_size=4", "--set", "model.window=4", "--set", "model.horizon=2")
    result = CliRunner().invoke(main, ["bench", "--events", "5000", "--series", "20", "--json", *small])
    assert result.exit_code == DONE, result.output
    told = json.loads(result.stdout)
    assert told["series"] == 20
    assert told["events_per_second"] > 0
    assert "embedded broker" in result.stderr
    assert told["remarks"]


def test_a_benchmark_without_its_broker_is_one_line() -> None:
    result = invoke("bench", "--set", f"kafka.bootstrap_servers=127.0.0.1:{free_port()}")
    assert result.exit_code == FAILURE
    assert "no Kafka broker answers" in one_line(result)


def test_what_is_compiled_and_where_is_told() -> None:
    result = invoke("compile")
    assert result.exit_code == DONE, result.output
    assert "__pycache__" in result.stdout


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "pipeline", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("lstm-stream ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["evaluate"],
        ["evaluate", "missing.csv"],
        ["evaluate", __file__, "--score-rows", "b:a"],
        ["evaluate", __file__, "--horizon", "0"],
        ["replay", __file__, "--rate", "1", "--speed", "1"],
    ],
)
def test_bad_usage_ends_with_2(arguments: list[str]) -> None:
    assert invoke(*arguments).exit_code == USAGE


@pytest.mark.parametrize("command", [["run"], ["config"], ["topics"], ["replay", __file__], ["evaluate", __file__]])
def test_wrong_settings_end_every_command_with_2_and_the_fix(command: list[str]) -> None:
    result = invoke(*command, "--set", "model.horizn=3")
    assert result.exit_code == USAGE
    assert "did you mean `horizon`?" in one_line(result)


@pytest.mark.parametrize("workers", ["0", "-1", "many", "1.5", "257"])
def test_a_number_of_workers_that_is_none_is_bad_usage(workers: str) -> None:
    result = invoke("run", "--workers", workers)
    assert result.exit_code == USAGE
    assert 'expected "auto" or a whole number from 1 to 256' in one_line(result)


def test_the_settings_in_force_are_printed_as_a_file_with_secrets_masked(tmp_path: Path) -> None:
    sign_in = ["kafka.security_protocol=SASL_SSL", "kafka.sasl_mechanism=PLAIN", "kafka.sasl_username=me"]
    options = [part for one in [*sign_in, "kafka.sasl_password=hush"] for part in ("--set", one)]
    result = invoke("config", *options)
    assert result.exit_code == DONE
    assert "hush" not in result.output
    file = tmp_path / "settings.toml"
    file.write_text(result.output)
    assert load(str(file), {}, []).kafka.sasl_username == "me"


def test_evaluate_prints_one_json_object_as_the_last_line(waves: Path) -> None:
    result = invoke("evaluate", str(waves), "--horizon", "2", "--json", "--set", "model.hidden_size=8")
    assert result.exit_code == DONE, result.output
    told = json.loads(result.stdout.splitlines()[-1])
    assert set(told) >= {"model", "lstm", "readout", "last_value", "seasonal_naive", "series", "rows"}
    assert told["peers"] == {}
    assert (told["series"], told["rows"]) == (2, 200)
    assert set(told["model"]["horizons"]) == {"1", "2"}
    assert set(told["model"]["horizons"]["1"]) >= {"mse", "mae", "mase", "coverage", "width", "interval_score"}
    assert told["model"]["events_per_second"] > 0


def test_evaluate_shows_a_table_and_draws_a_picture(waves: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    result = invoke("evaluate", str(waves), "--score-rows", "60:160", "--scale-rows", "50", "--plot", str(picture))
    assert result.exit_code == DONE, result.output
    assert "seasonal naive" in result.stdout
    assert "160 rows" in result.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_evaluate_tells_of_peers_how_they_were_asked_and_what_went_wrong(waves: Path) -> None:
    small = ["--horizon", "2", "--set", "model.hidden_size=8"]
    shown = invoke("evaluate", str(waves), "--peers", *small)
    assert shown.exit_code == DONE, shown.output
    assert "SNARIMAX" in shown.stdout
    assert "one row in 23" in " ".join(shown.stdout.split())
    told = json.loads(invoke("evaluate", str(waves), "--peers", "--json", *small).stdout.splitlines()[-1])
    assert set(told["peers"]["holt_winters"]) == {"horizons", "events_per_second", "stride", "fallbacks"}


def test_evaluate_cuts_no_number_short_on_a_narrow_screen(waves: Path) -> None:
    result = invoke("evaluate", str(waves), "--horizon", "2", "--peers", "--set", "model.hidden_size=8")
    assert "…" not in result.stdout


def test_a_horizon_that_the_memory_cannot_hold_is_bad_usage_of_evaluate(waves: Path) -> None:
    result = invoke("evaluate", str(waves), "--horizon", "1000", "--set", "model.memory=128")
    assert result.exit_code == USAGE
    assert "model.memory" in one_line(result)


def test_a_file_that_is_no_table_is_refused_in_one_line() -> None:
    result = invoke("evaluate", __file__)
    assert result.exit_code == FAILURE
    assert "test_cli.py" in one_line(result)


def test_rows_that_cannot_be_scored_are_refused_in_one_line(waves: Path) -> None:
    result = invoke("evaluate", str(waves), "--score-rows", "300:")
    assert result.exit_code == FAILURE
    assert "series `sine` has 200 rows" in one_line(result)


def test_without_a_broker_topics_and_replay_fail_in_one_line(waves: Path) -> None:
    server = f"kafka.bootstrap_servers=127.0.0.1:{free_port()}"
    for command in (["topics"], ["replay", str(waves)]):
        result = invoke(*command, "--set", server)
        assert result.exit_code == FAILURE
        assert "no Kafka broker answers" in one_line(result)


def test_a_port_that_is_taken_ends_the_daemon_in_one_line(tansu: EmbeddedBroker) -> None:
    port = tansu.bootstrap_servers.rpartition(":")[2]
    for workers in ("1", "2"):
        result = invoke("run", "--set", f"web.port={port}", "--workers", workers)
        assert result.exit_code == FAILURE
        assert port in one_line(result)


@pytest.fixture
def settings_file(tansu: EmbeddedBroker, tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(to_toml(tansu.settings_for(Settings())))
    return file


def test_topics_are_created_once(settings_file: Path) -> None:
    names = ["--set", "kafka.input=in-cli", "--set", "kafka.forecasts=out-cli", "--set", "kafka.dead_letters=dead-cli"]
    first, again = (invoke("topics", "-c", str(settings_file), *names) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (DONE, DONE)
    assert first.output.count("created with 4 partitions") == 3
    assert again.output.count("was there") == 3


def test_listed_topics_are_created_and_none_for_a_pattern(settings_file: Path) -> None:
    chosen = [
        "-c",
        str(settings_file),
        "--set",
        "kafka.forecasts=out-several",
        "--set",
        "kafka.dead_letters=dead-several",
    ]
    listed = invoke("topics", *chosen, "--set", 'kafka.input=["in-a", "in-b"]')
    assert listed.exit_code == DONE
    assert listed.output.count("created with 4 partitions") == 4
    matched = invoke("topics", *chosen, "--set", "kafka.input=/(in|out)-.*/")
    assert matched.exit_code == DONE
    assert "in-a, in-b" in matched.output
    assert "left out, as the daemon writes there: out-several" in matched.output
    assert "none is created for a pattern" in matched.output


@pytest.mark.parametrize("several", ['["loads", "prices"]', "/loads.*/"])
def test_a_replay_asks_which_of_several_topics(waves: Path, several: str) -> None:
    result = invoke("replay", str(waves), "--set", f"kafka.input={several}")
    assert result.exit_code == USAGE
    assert "which topic? Name one with --topic" in result.output


def test_a_replayed_file_is_in_the_topic(waves: Path, settings_file: Path) -> None:
    settings = load(str(settings_file), {}, [])
    create_topics(settings)
    before = len(list(read_topic(settings, "events")))
    result = invoke("replay", str(waves), "--topic", "events", "-c", str(settings_file))
    assert result.exit_code == DONE, result.output
    assert "400 events of 2 series" in result.output
    after = [Decoder().decode(one).observations[0] for one in read_topic(settings, "events")]
    assert len(after) == before + 400
    assert {"sine", "saw"} <= {one.series for one in after}


def test_the_rows_of_a_wide_file_are_replayed_as_one_event_each(waves: Path, settings_file: Path) -> None:
    settings = load(str(settings_file), {}, ["kafka.input=rows-in", 'events.values=["sine", "saw"]'])
    create_topics(settings)
    chosen = ["--set", "kafka.input=rows-in", "--set", 'events.values=["sine", "saw"]']
    result = invoke("replay", str(waves), "-c", str(settings_file), *chosen)
    assert result.exit_code == DONE, result.output
    assert "200 events of 2 series" in result.output
    sent = list(read_topic(settings, "rows-in"))
    assert {one.key for one in sent} == {b"waves"}
    assert json.loads(sent[0].value or b"") == {
        "series": "waves",
        "timestamp": "2023-11-14T22:13:20Z",
        "sine": 0.0,
        "saw": 0.0,
    }
    decoder = Decoder(Events(values=("sine", "saw")))
    names = [one.series for record in sent for one in decoder.decode(record).observations]
    assert names == ["waves/sine", "waves/saw"] * 200


def test_a_replay_to_a_missing_topic_is_refused_in_one_line(waves: Path, settings_file: Path) -> None:
    result = invoke("replay", str(waves), "--topic", "nowhere", "-c", str(settings_file))
    assert result.exit_code == FAILURE
    assert "topic `nowhere` is missing" in one_line(result)


@pytest.fixture
def checkpoint(tmp_path: Path) -> str:
    settings = load(None, {}, ["model.hidden_size=8", "model.horizon=3"])
    shard = Shard.fresh("events", 0, 0, settings)
    event = '{{"series": "pump", "timestamp": {}, "value": {}}}'
    values = (event.format(1_700_000_000 + 3600 * row, row % 24).encode() for row in range(60))
    shard.fold([Record("events", 0, row, -1, None, value) for row, value in enumerate(values)], "every")
    state = shard.dump()
    return Checkpoints(str(tmp_path), 3).save(Address("cluster", "events", "id", 0), 60, state.header, state.arrays)


def test_inspect_tells_what_a_checkpoint_holds(checkpoint: str) -> None:
    shown, told = invoke("inspect", checkpoint), invoke("inspect", checkpoint, "--json")
    assert (shown.exit_code, told.exit_code) == (DONE, DONE)
    assert "pump" in shown.output
    contents = json.loads(told.output)
    assert (contents["next_offset"], contents["series"]) == (60, ["pump"])
    assert contents["settings"]["model.horizon"] == 3


def test_inspect_tells_what_a_checkpoint_holds_of_a_series(checkpoint: str) -> None:
    shown, told = (
        invoke("inspect", checkpoint, "--series", "pump"),
        invoke("inspect", checkpoint, "--series", "pump", "--json"),
    )
    assert (shown.exit_code, told.exit_code) == (DONE, DONE)
    assert "pump: 60 values, one each hour; the last is of 2023-11-17T09:13:20Z." in shown.output
    assert "by 90% between" in shown.output
    series = json.loads(told.output)
    assert series["recent"][-3:] == [9, 10, 11]
    assert len(series["mean"]) == len(series["lower"]) == len(series["upper"]) == 3


def test_what_inspect_cannot_find_or_read_is_one_line(checkpoint: str, waves: Path) -> None:
    for arguments, told in (
        ([checkpoint, "--series", "valve"], "it holds pump"),
        ([str(waves)], "can't be used"),
        (["nowhere.safetensors"], "there is no checkpoint"),
    ):
        result = invoke("inspect", *arguments)
        assert result.exit_code == FAILURE
        assert told in one_line(result)


@pytest.mark.parametrize("header", [{}, {"fingerprint": {}, "bank": {}}, {"fingerprint": 1, "bank": {}}])
@pytest.mark.parametrize("series", [[], ["--series", "pump"]])
def test_a_checkpoint_of_another_version_is_one_line(
    tmp_path: Path, header: dict[str, object], series: list[str]
) -> None:
    url = Checkpoints(str(tmp_path), 1).save(Address("c", "events", "i", 0), 1, header, {})
    result = invoke("inspect", url, *series)
    assert result.exit_code == FAILURE
    assert "is of another version of lstm-stream" in one_line(result)
