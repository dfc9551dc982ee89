"""Weights from one's own past: what judges was not trained on, and what was gained is told honestly."""

import csv
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, structs

from lstm_stream import Course, PretrainedWeights, Split, Stretch, WeightsError, held_back, packaged, trained
from lstm_stream.pretraining.examples import STEPS, examples_of
from pipeline.cli import main
from pipeline.clock import Clock
from pipeline.cluster import Writer, create_topics
from pipeline.embedded import EmbeddedBroker
from pipeline.evaluation.log import Past, read_file
from pipeline.files.file_options import FileOptions
from pipeline.messages import Outgoing
from pipeline.pretraining.gain import Errors, Gain, Judged, Judging, told
from pipeline.pretraining.material import TooLittleError
from pipeline.pretraining.on_own import pretrain_own
from pipeline.pretraining.plans import OwnPlan
from pipeline.replay import Form
from pipeline.settings import Kafka, Model, Settings, to_toml

HOUR = 3_600_000_000
PERIOD = 31
"""Hours of a season that no generated series of these steps is likely to have."""
SETTINGS = Settings(model=Model(effort=0.0))


def spiky(rows: int, seed: int) -> npt.NDArray[np.float64]:
    """A spike of three hours every 31, whose height is told by the value 10 hours before it."""
    draw = np.random.default_rng(seed)
    values = draw.normal(0, 0.05, rows)
    for begin in range(0, rows - PERIOD, PERIOD):
        height = draw.uniform(1, 5)
        values[begin] += height
        values[begin + 10 : begin + 13] += 3 * height
    return values


def file_of(path: Path, series: Sequence[npt.NDArray[np.float64]]) -> Path:
    with path.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(["timestamp", *(f"s{number}" for number in range(len(series)))])
        for t, values in enumerate(zip(*series, strict=True)):
            rows.writerow([1_700_000_000 + 3600 * t, *(f"{value:.4f}" for value in values)])
    return path


def past_of(path: Path) -> Past:
    return read_file(path, Form(Settings().events).fields, FileOptions())


def invoke(*arguments: object) -> Result:
    return CliRunner(env={"LSTM_STREAM_KAFKA__CONNECT_TIMEOUT": "0.5"}).invoke(main, ["pretrain", *map(str, arguments)])


LAZY = "model.effort=0.1"
QUICK = ("--steps", 8, "--batch", 8, "--jobs", 1, "--generated-share", 0, "--set", LAZY)


@pytest.fixture(autouse=True, scope="module")
def few_generated() -> Iterator[None]:
    """That tell what was forgotten."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.pretraining.on_own.FORGOTTEN", 2)
        yield


@given(st.integers(200, 5000), st.floats(0.05, 0.5), st.integers(256, 2000), st.integers(0, 50))
def test_nothing_that_is_held_back_is_trained_on_and_each_row_of_it_judges_once(
    rows: int, share: float, stride: int, missing: int
) -> None:
    values = np.arange(rows, dtype=np.float64)
    values[:missing] = np.nan
    course, split = Course(np.arange(rows) * HOUR, values), Split.of(rows, share)
    assert 0 < split.stop < split.judge < rows
    for stretch in trained(course, split, stride):
        assert len(stretch.values) <= STEPS
        assert stretch.values[0] >= missing
        assert stretch.values[-1] < split.stop
    for first, end in ((split.stop, split.judge), (split.judge, rows)):
        judged: list[float] = []
        for stretch in held_back(course, first, end):
            assert len(stretch.values) <= STEPS
            judged += stretch.values[stretch.judged_from + 1 :].tolist()
        assert judged == list(range(max(first, missing + 1), end))


def test_what_is_not_judged_teaches_nothing_and_a_short_stretch_fits_beside_long_ones() -> None:
    values = spiky(300, 0)
    times = np.arange(300) * HOUR
    whole, short = Stretch(times, values), Stretch(times[:100], values[:100], judged_from=60)
    alone, together = examples_of([whole, short]), examples_of([whole] * 16 + [whole, short])
    for found in (alone, together):
        moves = found.moves[-1].astype(np.float32)
        assert np.isnan(moves[:60]).all()
        assert np.isnan(moves[99:]).all()
        assert 30 < np.isfinite(moves[60]).sum() <= 39
    assert np.array_equal(alone.features[0], together.features[0])


@pytest.fixture(scope="module")
def spikes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return file_of(tmp_path_factory.mktemp("spikes") / "spikes.csv", [spiky(1300, seed) for seed in range(3)])


@pytest.fixture(scope="module")
def trained_file(spikes: Path) -> tuple[Path, Result]:
    output = spikes.parent / "mine.safetensors"
    result = invoke(
        spikes, "-o", output, "--steps", 160, "--batch", 8, "--jobs", 1, "--generated-share", 0, "--set", LAZY
    )
    return output, result


def test_a_kind_of_series_that_nobody_generated_is_learnt_from_a_file(trained_file: tuple[Path, Result]) -> None:
    output, result = trained_file
    assert result.exit_code == 0, result.output
    weights = PretrainedWeights.of_bytes(output.read_bytes())
    assert weights != packaged()
    assert weights.digest in result.stdout
    card = weights.card
    assert card is not None
    assert (card.began_with, card.seed, card.steps, card.batch) == (packaged().digest, 0, 160, 8)
    assert card.data == ("spikes.csv: 3 series, 3,900 values", "0 generated series of 1,024 values")
    scores = card.scores
    assert scores["horizons"] == [1, 24]
    assert scores["network_after_mse"][1] < 0.9 * scores["network_before_mse"][1]
    assert scores["forecast_after_mse"][1] < 0.97 * scores["forecast_before_mse"][1]
    assert scores["loss_held_back"][1] < scores["loss_held_back"][0]
    assert len(scores["generated_before"]) == len(scores["generated_after"]) == 4
    assert "squared error is" in result.stdout
    assert "On generated series of all kinds the network's loss is" in result.stdout
    assert "390 held-back values" in result.stdout


def test_evaluate_uses_the_new_weights_and_tells_the_same_gain(trained_file: tuple[Path, Result], spikes: Path) -> None:
    output, _ = trained_file
    errors = []
    for chosen in ("", str(output)):
        arguments = [
            "evaluate",
            str(spikes),
            "--score-rows",
            "1170:",
            "--json",
            "--set",
            f"model.weights={chosen}",
            "--set",
            LAZY,
        ]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        errors.append(json.decode(result.stdout)["model"]["horizons"]["24"]["mse"])
    card = PretrainedWeights.of_bytes(output.read_bytes()).card
    assert card is not None
    before, after = (card.scores[f"forecast_{when}_mse"][1] for when in ("before", "after"))
    assert errors[1] / errors[0] == pytest.approx(after / before, rel=0.01)


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights_and_the_seed_tells_them(
    spikes: Path, tmp_path: Path
) -> None:
    class CutOffError(Exception):
        pass

    def cut_off(line: str) -> None:
        if line.startswith("step 104"):
            raise CutOffError

    plan = OwnPlan(steps=208, batch=4, jobs=1, share=0.0, units=8, from_scratch=True)
    lines: list[str] = []

    def run(work: str, chosen: OwnPlan = plan, cut: bool = False) -> PretrainedWeights:
        tell = cut_off if cut else lines.append
        past = past_of(spikes)
        return pretrain_own(chosen, [past], packaged(), SETTINGS, tmp_path / work, tell, Clock()).weights

    whole = run("whole")
    with pytest.raises(CutOffError):
        run("cut", cut=True)
    lines.clear()
    assert run("cut") == whole
    assert not any(line.startswith("examples") for line in lines)
    assert run("cut", structs.replace(plan, seed=1)) != whole


def test_the_weights_that_the_settings_name_are_those_that_training_goes_on_from(
    trained_file: tuple[Path, Result], spikes: Path, tmp_path: Path
) -> None:
    first, _ = trained_file
    output = tmp_path / "second.safetensors"
    result = invoke(spikes, "-o", output, *QUICK, "--anyway", "--set", f"model.weights={first}")
    assert result.exit_code == 0, result.output
    card = PretrainedWeights.of_bytes(output.read_bytes()).card
    assert card is not None
    assert card.began_with == PretrainedWeights.of_bytes(first.read_bytes()).digest


def test_where_nothing_is_gained_no_file_is_written_and_the_one_before_stays(tmp_path: Path) -> None:
    noise = file_of(tmp_path / "noise.csv", [np.random.default_rng(9).normal(0, 1, 2600)])
    output = tmp_path / "mine.safetensors"
    output.write_bytes(b"those of before")
    result = invoke(noise, "-o", output, *QUICK)
    assert result.exit_code == 1
    assert "Not worth using" in result.stdout
    assert output.read_bytes() == b"those of before"
    assert invoke(noise, "-o", output, *QUICK, "--anyway").exit_code == 0
    assert PretrainedWeights.of_bytes(output.read_bytes()).units == 128


def test_a_network_of_other_units_is_trained_from_scratch(spikes: Path, tmp_path: Path) -> None:
    output = tmp_path / "small.safetensors"
    result = invoke(spikes, "-o", output, *QUICK, "--from-scratch", "--units", 8, "--anyway")
    assert result.exit_code == 0, result.output
    weights = PretrainedWeights.of_bytes(output.read_bytes())
    assert weights.card is not None
    assert (weights.units, weights.card.began_with, weights.card.rate) == (8, "", 3e-3)
    again = tmp_path / "again.safetensors"
    result = invoke(spikes, "-o", again, *QUICK, "--anyway", "--set", f"model.weights={output}")
    assert result.exit_code == 0, result.output
    card = PretrainedWeights.of_bytes(again.read_bytes()).card
    assert card is not None
    assert (card.units, card.began_with) == (8, weights.digest)


def test_too_little_is_told_with_how_much_there_is_and_how_much_is_needed(tmp_path: Path) -> None:
    short = file_of(tmp_path / "short.csv", [spiky(150, 0), spiky(150, 1)])
    result = invoke(short, "-o", tmp_path / "x.safetensors", *QUICK)
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert "found 2 series of 150 values, 0 values to train on; expected series of 200 or more values" in line
    assert "2,000 to train on" in line
    few = past_of(file_of(tmp_path / "few.csv", [spiky(1000, 0)]))
    with pytest.raises(TooLittleError, match=r"1 series of 1,000 values, 800 values"):
        pretrain_own(OwnPlan(), [few], packaged(), SETTINGS, tmp_path / "work", lambda _: None, Clock())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--topic", "t", __file__), "give FILES or --topic"),
        (("--units", 16, __file__), "--units needs --from-scratch"),
        (("--go-on", "--units", 16), "--units needs --from-scratch"),
        (("--go-on", __file__), "--go-on is for generated series alone"),
        (("--device", "nowhere"), "torch has no device `nowhere` here"),
        (("/none.csv",), "does not exist"),
    ],
)
def test_what_does_not_go_together_is_bad_usage(arguments: tuple[object, ...], told: str) -> None:
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_nothing_is_gained_on_series_that_never_move(tmp_path: Path) -> None:
    still = file_of(tmp_path / "still.csv", [np.ones(2600)])
    result = invoke(still, "-o", tmp_path / "x.safetensors", *QUICK)
    assert result.exit_code == 1
    assert "Not worth using" in result.stdout


def test_wrong_weights_in_use_are_refused(spikes: Path) -> None:
    result = invoke(spikes, "--set", "model.weights=/none.safetensors")
    assert result.exit_code == 1
    assert "found no such file" in result.stderr
    assert issubclass(WeightsError, ValueError)


def events(rows: int) -> Iterator[Outgoing]:
    for t, values in enumerate(zip(*(spiky(rows, seed) for seed in range(2)), strict=True)):
        for number, value in enumerate(values):
            event = {"series": f"s{number}", "timestamp": 1_700_000_000 + 3600 * t, "value": round(float(value), 4)}
            yield Outgoing(f"s{number}".encode(), json.encode(event))


def test_a_topic_is_read_without_its_group_and_trained_on(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    placed = tansu.settings_for(Settings(kafka=Kafka(partitions=2)))
    kafka = structs.replace(placed.kafka, input="past-in", forecasts="past-out", dead_letters="past-dead", group="past")
    chosen = structs.replace(placed, kafka=kafka)
    create_topics(chosen)
    with Writer(chosen, "past-in") as writer:
        for event in events(1300):
            writer.write(event)
    config, output = tmp_path / "lstm-stream.toml", tmp_path / "mine.safetensors"
    config.write_text(to_toml(chosen))
    result = invoke("--topic", "past-in", "-c", config, "-o", output, *QUICK, "--anyway")
    assert result.exit_code == 0, result.output
    card = PretrainedWeights.of_bytes(output.read_bytes()).card
    assert card is not None
    assert card.data[0] == "past-in: 2 series, 2,600 values"
    result = invoke("--topic", "past-in", "-c", config, "-o", output, *QUICK, "--records", 100)
    assert result.exit_code == 1
    assert "expected series of 200 or more values" in result.stderr


def test_a_past_that_is_too_long_to_judge_by_is_cut_and_judges_the_same_rows(tmp_path: Path) -> None:
    log = past_of(file_of(tmp_path / "long.csv", [spiky(1000, seed) for seed in range(3)])).log
    whole = Judging.of(log, 0.2, seed=0)
    assert whole.came.score_from.tolist() == [900] * 3
    assert whole.judged == 300
    for most in (2000, 700):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pipeline.pretraining.gain.MOST", most)
            some = Judging.of(log, 0.2, seed=0)
        assert len(some.log.values) <= max(most, 1000)
        for place, name in enumerate(some.log.names):
            own = log.values[log.series == log.names.index(name)]
            left = some.log.values[some.log.series == place]
            assert left.tolist() == own[-len(left) :].tolist()
            assert len(left) - some.came.score_from[place] == 100
            assert all(b == a + 1 for a, b in pairwise(some.log.rows[some.log.series == place]))


def test_a_gain_is_told_of_known_series_and_of_those_that_begin() -> None:
    def errors(mse: float) -> Errors:
        return Errors({1: mse, 24: mse}, {1: mse, 24: mse})

    def judged(known: float, young: float) -> Judged:
        return Judged(errors(1.0), errors(known), errors(1.0), errors(young))

    before = judged(0.5, 0.8)
    better, same, worse = (Gain(before, judged(*now)) for now in ((0.51, 0.6), (0.5, 0.799), (0.6, 0.75)))
    assert [one.is_worth_it for one in (better, same, worse)] == [True, False, False]
    lines = list(told(better, 10))
    assert lines[-1] == "The whole forecast's squared error is 2.0% more, of series that begin 25.0% less."
    assert len({len(line) for line in lines[1:-1]}) == 1


def test_a_series_that_begins_is_judged_on_rows_that_were_held_back(tmp_path: Path) -> None:
    log = past_of(file_of(tmp_path / "long.csv", [spiky(8000, seed) for seed in range(2)])).log
    pieces = list(Judging.of(log, 0.2, seed=0).young())
    assert [piece.judged for piece in pieces] == [2 * (300 - 10)] * 2
    for begin, piece in zip((7200, 7700), pieces, strict=True):
        for place in range(2):
            own = piece.log.series == place
            assert piece.log.values[own].tolist() == log.values[log.series == place][begin : begin + 300].tolist()
            assert piece.log.rows[own].tolist() == list(range(300))
