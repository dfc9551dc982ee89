"""The pretrained network: what it reads, that it is the LSTM of torch, and what it makes of a young series."""

from pathlib import Path

import numpy as np
import pytest

from lstm_stream import Bank, Expert, ExpertForecasts, Hyperparameters, PretrainedWeights, packaged
from lstm_stream.experts import EXPERTS
from lstm_stream.network import Network
from lstm_stream.pretrained import HORIZON, INPUTS, OUTPUTS, places
from lstm_stream.pretraining.examples import STEPS, make_examples
from lstm_stream.pretraining.generator import generate
from lstm_stream.pretraining.parts import draw_days
from lstm_stream.pretraining.training import Training, held_back_losses, loss_on
from pipeline.clock import Clock
from pipeline.pretraining.on_generated import pretrain
from pipeline.pretraining.plans import Plan
from tests.pretrained_said import AT, marked_moves

HOUR = 3_600_000_000


def daily(count: int, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """An hourly course of the day with some noise."""
    hours = np.arange(count)
    return 10 + 3 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(seed).normal(0, 0.1, count)


def shown(
    rules: Hyperparameters, count: int = 100, weights: PretrainedWeights | None = None
) -> tuple[Bank, ExpertForecasts]:
    """A bank that was shown one series, and what its experts said."""
    bank, said = Bank(rules, weights=weights), ExpertForecasts.zeros(count, EXPERTS, rules.horizon)
    bank.observe(["a"] * count, np.arange(count) * HOUR, daily(count), by_expert=said)
    return bank, said


def test_the_step_says_what_torchs_lstm_says_of_the_same_features() -> None:
    bank, count = Bank(Hyperparameters(horizon=HORIZON, effort=0.0)), 60
    ours, theirs = places(bank.columns)
    x, said, scales = np.zeros((count, INPUTS), np.float32), [], []
    values = daily(count)
    for t in range(count):
        by_expert = ExpertForecasts.zeros(1, EXPERTS, HORIZON)
        bank.observe(["a"], np.asarray([t * HOUR]), values[t : t + 1], by_expert=by_expert)
        _, features, scale = bank.last_step(1)
        x[t, theirs] = features[0, ours]
        said.append(by_expert.mean[0, Expert.PRETRAINED] - values[t])
        scales.append(scale[0])
    network = Network(INPUTS, packaged().units, OUTPUTS * HORIZON)
    network.load(packaged().singles())
    assert np.abs((np.asarray(said) / np.asarray(scales))[:, AT] - marked_moves(network, x))[5:].max() < 1e-2


def test_on_its_second_day_a_series_is_foreseen_better_with_it() -> None:
    values = daily(96, seed=1)
    ahead = np.arange(24, 48)[:, None] + np.arange(1, 25)
    errors = []
    for pretrained in (True, False):
        bank = Bank(Hyperparameters(horizon=24, pretrained=pretrained))
        means = bank.observe(["a"] * 96, np.arange(96) * HOUR, values).mean
        errors.append(float(np.abs(means[24:48] - values[ahead]).mean()))
    assert errors[0] < 0.8 * errors[1]


def test_on_a_series_that_the_plain_experts_know_it_errs_no_more_than_they_do() -> None:
    """A network that had to repeat them in its own words erred ten times as much."""
    count, horizon, hours = 900, 24, np.arange(900)
    on_work = np.where(hours // 24 % 7 < 5, 1.5, -1.5)
    values = daily(count, seed=2) + on_work * np.sin(4 * np.pi * hours / 24)
    said = ExpertForecasts.zeros(count, EXPERTS, horizon)
    Bank(Hyperparameters(horizon=horizon)).observe(["a"] * count, hours * HOUR, values, by_expert=said)
    without = Bank(Hyperparameters(horizon=horizon, pretrained=False, effort=0.0))
    plain = without.observe(["a"] * count, hours * HOUR, values).mean
    origins = np.arange(500, count - horizon)
    came = values[origins[:, None] + np.arange(1, horizon + 1)]
    ours, theirs = (float(((of[origins] - came) ** 2).mean()) for of in (said.mean[:, Expert.PRETRAINED], plain))
    assert ours < 1.1 * theirs


def test_a_bank_without_it_has_one_expert_that_says_nothing() -> None:
    _, said = shown(Hyperparameters(horizon=3, pretrained=False))
    assert np.isnan(said.mean[:, Expert.PRETRAINED]).all()
    assert not said.weights[:, Expert.PRETRAINED].any()


@pytest.mark.parametrize("horizon", [1, 5, 12, 100])
def test_every_horizon_is_served_and_behind_its_last_it_sees_no_further_move(horizon: int) -> None:
    arrays = packaged().singles()
    arrays["head.weight"][2 * HORIZON :], arrays["head.bias"][2 * HORIZON :] = 0.0, -20.0  # lets nothing through
    rules = Hyperparameters(horizon=horizon, memory=300)
    _, said = shown(rules, weights=PretrainedWeights.of_arrays(arrays))
    told = said.mean[-1, Expert.PRETRAINED]
    assert np.isfinite(told).all()
    assert told[HORIZON:] == pytest.approx(
        np.full(max(horizon - HORIZON, 0), told[min(horizon, HORIZON) - 1]), rel=1e-3
    )


@pytest.mark.parametrize("seed", range(40))
def test_a_generated_series_is_finite_and_the_same_for_its_seed(seed: int) -> None:
    one, same = (generate(STEPS, np.random.default_rng([3, seed])) for _ in range(2))
    assert np.array_equal(one.values, same.values, equal_nan=True)
    assert len(one.values) == STEPS
    assert np.isfinite(one.values).mean() > 0.5
    assert not np.isinf(one.values).any()


def test_training_learns_and_goes_on_where_it_was_kept_to_the_same_weights() -> None:
    found = make_examples(0, 4, seed=1)
    whole, first, second = (Training(8, 30, seed=2, batch=2) for _ in range(3))
    list(whole.run(found))
    for progress in first.run(found, every=7):
        if progress.step == 16:
            second.load(first.dump())
    assert second.taken == 16
    assert [progress.step for progress in second.run(found, every=7)] == [24, 30]
    for name, array in whole.network.dump().items():
        assert array.tolist() == first.network.dump()[name].tolist() == second.network.dump()[name].tolist()
    untrained = Network(INPUTS, 8, OUTPUTS * HORIZON)
    before, after = held_back_losses(untrained, found), held_back_losses(whole.network, found)
    assert after.network[1] < before.network[1]
    assert loss_on(whole.network, found) < loss_on(untrained, found)


def test_one_command_makes_weights_with_their_card_and_a_second_run_makes_nothing_again(tmp_path: Path) -> None:
    plan, told, out = Plan(series=3, steps=2, units=8, jobs=1, part=2), list[str](), tmp_path / "weights.safetensors"
    card = pretrain(plan, None, out, tmp_path / "work", told.append, Clock())
    assert [len(one) for one in card.scores.values()] == [4, 4, 4]
    weights = PretrainedWeights.of_bytes(out.read_bytes())
    assert weights.card is not None
    assert (weights.card.units, weights.card.steps, weights.card.scores) == (8, 2, card.scores)
    assert weights.card.data == ("2 generated series of 1,024 values",)
    told.clear()
    pretrain(plan, None, out, tmp_path / "work", told.append, Clock())
    assert not any("examples" in line for line in told)
    other = Plan(series=4, steps=2, units=8, jobs=1, part=2, seed=1)
    pretrain(other, None, out, tmp_path / "work", told.append, Clock())
    assert any("examples: 4 of 4" in line for line in told)
    assert not any("goes on" in line for line in told[-3:])


def test_training_on_generated_series_goes_on_from_other_weights(tmp_path: Path) -> None:
    begun, out = packaged(), tmp_path / "weights.safetensors"
    plan = Plan(series=3, steps=2, units=8, jobs=1, part=2, rate=1e-5)
    card = pretrain(plan, begun, out, tmp_path / "work", lambda _: None, Clock())
    assert card.began_with == begun.digest
    found = PretrainedWeights.of_bytes(out.read_bytes()).singles()
    assert all(np.abs(found[name] - array).max() < 1e-3 for name, array in begun.singles().items())
    assert any(np.any(found[name] != array) for name, array in begun.singles().items())


@pytest.mark.parametrize("seed", range(4))
def test_most_generated_days_are_quiet_where_people_sleep(seed: int) -> None:
    """Most days go by people's habits or the sun, and by the local clock; of those at any hour half would do."""
    draw, night, day = np.random.default_rng(seed), np.arange(2, 6) / 24, np.arange(11, 19) / 24
    days = [course for _ in range(400) for course in draw_days(draw)]
    quiet = np.mean([course(night).mean() < course(day).mean() for course in days])
    assert 0.6 < quiet < 0.85
