"""Weights of the pretrained network: a file of any size of network is used, a wrong one is refused in one line."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fsspec
import msgspec
import numpy as np
import numpy.typing as npt
import pytest
import torch
from click.testing import CliRunner
from msgspec import structs
from safetensors.numpy import save

from lstm_stream import (
    Bank,
    Card,
    DumpError,
    Expert,
    ExpertForecasts,
    Hyperparameters,
    LSTMForecaster,
    PretrainedWeights,
    WeightsError,
    packaged,
)
from lstm_stream.experts import EXPERTS
from lstm_stream.network import Network
from lstm_stream.pretrained import FEATURES, HORIZON, INPUTS, OUTPUTS, places
from lstm_stream.pretraining.examples import Stretch, examples_of
from pipeline.checkpoints import Checkpoints
from pipeline.cli import main
from pipeline.cluster import KafkaClients, Writer, create_topics, read_topic
from pipeline.embedded import EmbeddedBroker
from pipeline.fingerprints import FingerprintError
from pipeline.messages import Outgoing, Record, decode_forecast
from pipeline.metrics import Metrics
from pipeline.settings import Events, Kafka, Model, Settings
from pipeline.shard import Shard
from pipeline.weights import read_weights
from pipeline.worker import Worker
from tests.pretrained_said import AT, marked_moves

HOUR = 3_600_000_000
SMALL = Model(horizon=2, hidden_size=4, window=4, windows=2, replay=8, memory=64)
CARD = Card(
    features=FEATURES, units=8, horizon=HORIZON, data=("a test",), steps=1, batch=1, rate=0.1, device="", seed=0
)


def network(units: int, seed: int = 1) -> Network:
    """One that says something: all of its weights are drawn."""
    drawn = Network(INPUTS, units, OUTPUTS * HORIZON, seed)
    with torch.no_grad():
        drawn.head.weight.uniform_(-0.05, 0.05, generator=torch.Generator().manual_seed(seed))
    return drawn


def weights_of(units: int, seed: int = 1) -> PretrainedWeights:
    return PretrainedWeights.of_arrays(network(units, seed).dump())


def written(path: Path, weights: PretrainedWeights, card: Card = CARD) -> Path:
    path.write_bytes(weights.to_bytes(card))
    return path


def waves(count: int) -> npt.NDArray[np.float64]:
    return 10 + np.sin(np.arange(count) * np.pi / 12) + np.random.default_rng(0).normal(0, 0.1, count)


@pytest.mark.parametrize("units", [8, 33, 256])
def test_a_network_of_any_number_of_units_says_what_torchs_lstm_says(units: int) -> None:
    weights, count = weights_of(units), 40
    bank = Bank(Hyperparameters(horizon=HORIZON, effort=0.0), weights=weights)
    ours, theirs = places(bank.columns)
    x, said, scales = np.zeros((count, INPUTS), np.float32), [], []
    for t, value in enumerate(waves(count)):
        by_expert = ExpertForecasts.zeros(1, EXPERTS, HORIZON)
        bank.observe(["a"], np.asarray([t * HOUR]), np.asarray([value]), by_expert=by_expert)
        _, features, scale = bank.last_step(1)
        x[t, theirs] = features[0, ours]
        said.append(by_expert.mean[0, Expert.PRETRAINED] - value)
        scales.append(scale[0])
    same = network(units)
    same.load(weights.singles())
    told = marked_moves(same, x)
    assert np.abs(told[5:]).max() > 0.01
    assert np.abs((np.asarray(said) / np.asarray(scales))[:, AT] - told)[5:].max() < 1e-2


def test_a_dump_holds_the_weights_it_rests_on_unless_the_package_has_them() -> None:
    values, times = waves(30), np.arange(30) * HOUR
    for weights in (None, weights_of(16)):
        bank = Bank(Hyperparameters(horizon=2, memory=64), weights=weights)
        bank.observe(["a"] * 20, times[:20], values[:20])
        header, arrays = bank.dump()
        assert any(name.startswith("weights.") for name in arrays) == (weights is not None)
        again = Bank.load(header, arrays)
        assert again.weights == bank.weights
        means = [one.observe(["a"] * 10, times[20:], values[20:]).mean.tolist() for one in (bank, again)]
        assert means[0] == means[1]
    with pytest.raises(DumpError, match=f"expected {weights_of(16).digest}"):
        Bank.load(header, {name: array for name, array in arrays.items() if not name.startswith("weights.")})


def test_the_forecaster_of_one_series_takes_weights_and_is_cloned_with_them() -> None:
    weights = weights_of(16)
    models = [LSTMForecaster(horizon=2), LSTMForecaster(horizon=2, weights=weights).clone()]
    for model in models:
        for value in waves(60):
            model.learn_one(float(value))
    assert models[0].forecast(2) != models[1].forecast(2)
    assert weights.digest in repr(models[1])


def test_weights_without_a_network_that_they_are_for_are_refused() -> None:
    with pytest.raises(WeightsError, match="pretrained=False"):
        Bank(Hyperparameters(pretrained=False), weights=weights_of(8))


def test_precision_and_place_do_not_change_a_digest_and_any_weight_does() -> None:
    one = weights_of(8)
    again = PretrainedWeights.of_bytes(one.to_bytes(CARD))
    assert (again.digest, again.card) == (one.digest, CARD)
    assert PretrainedWeights.of_arrays(one.singles()).digest == one.digest
    for name, array in one.singles().items():
        array.flat[-1] += 0.5
        assert PretrainedWeights.of_arrays(one.singles() | {name: array}).digest != one.digest


Arrays = Mapping[str, npt.NDArray[Any]]


def file_of(change: Callable[[dict[str, npt.NDArray[Any]]], Arrays] = dict, card: object = CARD) -> bytes:
    """A file of weights that something was done to."""
    arrays = change({name: array.copy() for name, array in weights_of(8).arrays.items()})
    metadata = {} if card is None else {"card": msgspec.json.encode(card).decode()}
    return save(dict(arrays), metadata)


def without(name: str) -> Callable[[dict[str, npt.NDArray[Any]]], Arrays]:
    return lambda arrays: {other: array for other, array in arrays.items() if other != name}


def with_value(value: float) -> Callable[[dict[str, npt.NDArray[Any]]], Arrays]:
    return lambda arrays: arrays | {"head.bias": np.full(OUTPUTS * HORIZON, value, np.float32)}


WRONG = {
    "none": (None, "found no such file, expected one made by `lstm-stream pretrain`; correct the path"),
    "empty": (b"", "found an empty file"),
    "text": (b"timestamp,value\n1,2\n", "found 20 bytes that begin with b'timestamp,va', expected a safetensors file"),
    "cut": (file_of()[:-7], "expected a safetensors file"),
    "large": (bytes(1 << 25), "found more than 16,777,216 bytes"),
    "missing": (file_of(without("head.bias")), r"found tensor `head.bias` none, expected \(144,\)"),
    "beside": (file_of(lambda of: of | {"x": of["head.bias"]}), r"found tensor `x` \(144,\), expected none"),
    "shape": (
        file_of(lambda of: of | {"head.weight": of["head.weight"][:, 1:].copy()}),
        r"found tensor `head.weight` \(144, 45\), expected \(144, 46\)",
    ),
    "units": (file_of(lambda of: of | {"lstm.weight_hh_l0": np.zeros((4, 1), "f2")}), "found a network of 1 units"),
    "flat": (file_of(lambda of: of | {"lstm.weight_hh_l0": np.zeros((), "f2")}), r"`lstm.weight_hh_l0` \(\)"),
    "nan": (file_of(with_value(np.nan)), "found nan in tensor `head.bias`, expected finite numbers"),
    "huge": (file_of(with_value(1e6)), r"found 1e\+06 in tensor `head.bias`, expected finite numbers below 65,504"),
    "whole": (file_of(lambda of: of | {"head.bias": np.zeros(144, np.int64)}), "found tensor `head.bias` of int64"),
    "no card": (file_of(card=None), "found no card in the metadata"),
    "odd card": (file_of(card={"units": "many"}), "found a card that cannot be read"),
    "features": (
        file_of(card=structs.replace(CARD, features=FEATURES + 1)),
        f"found weights for version {FEATURES + 1} of the features, expected version {FEATURES}; make them anew",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("command", ["run", "check"])
def test_a_wrong_file_is_refused_at_the_start_in_one_line(kind: str, command: str, tmp_path: Path) -> None:
    content, told = WRONG[kind]
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    result = CliRunner().invoke(main, [command, "--set", f"model.weights={path}"])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Error: model.weights is {path}: found ")
    with pytest.raises(WeightsError, match=told):
        read_weights(Model(weights=str(path)))


def test_workers_under_a_parent_are_not_started_with_a_wrong_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", "--workers", "2", "--set", f"model.weights={tmp_path}/none"])
    assert result.exit_code == 1
    assert "found no such file" in result.stderr


def test_a_folder_and_a_place_that_nothing_opens_are_refused_with_the_setting(tmp_path: Path) -> None:
    for url, told in ((str(tmp_path), "check model.weights"), ("odd://x", "set model.weights to the path of a file")):
        with pytest.raises(WeightsError, match=told):
            read_weights(Model(weights=url))


def test_a_file_may_lie_in_a_store_of_any_kind_that_checkpoints_may() -> None:
    weights = weights_of(8)
    with fsspec.open("memory://weights/mine.safetensors", "wb") as file:
        file.write(weights.to_bytes(CARD))
    assert read_weights(Model(weights="memory://weights/mine.safetensors")) == weights
    with pytest.raises(WeightsError, match="memory://weights/none: found no such file"):
        read_weights(Model(weights="memory://weights/none"))


def records(count: int) -> list[Record]:
    events = ({"series": "a", "timestamp": 1.7e9 + 3600 * t, "value": round(v, 3)} for t, v in enumerate(waves(count)))
    return [Record("events", 0, t, -1, None, json.dumps(event).encode()) for t, event in enumerate(events)]


def test_a_checkpoint_fits_its_weights_wherever_they_lie_and_refuses_others(tmp_path: Path) -> None:
    one, moved = (written(tmp_path / name, weights_of(8)) for name in ("one.safetensors", "moved.safetensors"))
    other = written(tmp_path / "other.safetensors", weights_of(8, seed=2))
    before = Settings(model=structs.replace(SMALL, weights=str(one)))
    shard = Shard.fresh("events", 0, 0, before, read_weights(before.model))
    shard.fold(records(20), "none")
    header, arrays = shard.dump()
    assert not any(str(tmp_path) in str(value) for value in header.values())
    after = Settings(model=structs.replace(SMALL, weights=str(moved)))
    again = Shard.load("events", 0, header, arrays, after, read_weights(after.model))
    assert again.next_offset == 20
    for settings in (Settings(model=SMALL), Settings(model=structs.replace(SMALL, weights=str(other)))):
        with pytest.raises(FingerprintError, match=f"model.weights was '{weights_of(8).digest}' and is now '"):
            Shard.load("events", 0, header, arrays, settings, read_weights(settings.model))


def test_a_daemon_uses_its_weights_tells_them_and_refuses_a_checkpoint_of_others(
    tansu: EmbeddedBroker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    placed = tansu.settings_for(Settings(kafka=Kafka(partitions=1), events=Events(max_ahead=1e9)))
    kafka = structs.replace(
        placed.kafka, input="weights-in", forecasts="weights-out", dead_letters="weights-dead", group="weights"
    )
    mine = written(tmp_path / "mine.safetensors", weights_of(16))
    chosen = structs.replace(
        placed,
        kafka=kafka,
        model=structs.replace(SMALL, weights=str(mine)),
        checkpoints=structs.replace(placed.checkpoints, url=str(tmp_path / "checkpoints")),
    )
    create_topics(chosen)
    with Writer(chosen, "weights-in") as writer:
        for record in records(30):
            writer.write(Outgoing(b"a", record.value or b""))

    def worker(settings: Settings, rebuild: bool = False) -> Worker:
        return Worker(
            settings, KafkaClients(settings), Checkpoints(settings.checkpoints.url, 3), Metrics(), rebuild=rebuild
        )

    first = worker(chosen)
    assert first.run(drain=True) == 0
    assert (first.status().weights, first.status().weights_digest) == ("mine.safetensors", weights_of(16).digest)
    shard = Shard.fresh("weights-in", 0, 0, chosen, read_weights(chosen.model))
    expected = shard.fold(records(30), "every").forecasts
    assert [one.value for one in read_topic(chosen, "weights-out")] == [one.value for one in expected]
    without_them = Shard.fresh("weights-in", 0, 0, chosen).fold(records(30), "every").forecasts
    means = [decode_forecast(fold[-1].value or b"").mean for fold in (expected, without_them)]
    assert means[0] != means[1]
    of_the_package = structs.replace(chosen, model=SMALL)
    assert worker(of_the_package).run(drain=True) == 1
    refusal = [record.message for record in caplog.records if "made with other settings" in record.message][-1]
    told = f"model.weights was '{weights_of(16).digest}' and is now '{packaged().digest}' (of the package)"
    assert told in refusal
    assert worker(of_the_package, rebuild=True).run(drain=True) == 0


def features_of_known_series() -> npt.NDArray[np.float16]:
    """Of an hourly series with a value missing, and of a daily one."""
    draw, count = np.random.default_rng(4), 90
    values = 50 + 10 * np.sin(np.arange(count) * np.pi / 12) + np.cumsum(draw.normal(0, 1, count))
    hourly = Stretch(1_700_000_000_000_000 + np.arange(count) * HOUR, np.where(np.arange(count) == 70, np.nan, values))
    daily = Stretch(1_700_000_000_000_000 + np.arange(count) * 24 * HOUR, draw.gamma(2, 3, count))
    return examples_of([hourly, daily]).features[:, :count]


def test_features_are_measured_as_their_version_says() -> None:
    """Another tuning moves them a little; where this fails their meaning has changed.

    Then raise `FEATURES`, store anew, and make the packaged weights anew.
    """
    stored = np.load(Path(__file__).parent / "features" / f"features-{FEATURES}.npy").astype(np.float32)
    assert stored.shape[-1] == INPUTS
    off = np.abs(features_of_known_series().astype(np.float32) - stored).mean(axis=(0, 1))  # (F,)
    usual = np.abs(stored - stored.mean(axis=(0, 1))).mean(axis=(0, 1))
    assert (off <= 0.2 * usual + 0.01).all(), f"features {np.flatnonzero(off > 0.2 * usual + 0.01)} are others"
    card = packaged().card
    assert card is not None
    assert (card.features, card.units) == (FEATURES, packaged().units)
