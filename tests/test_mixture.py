"""The laws of the mixture: near the best of its experts, wherever and whenever that is."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream.mixture import (
    FLAT,
    LOSS_SPAN,
    PATIENCE,
    POWER,
    RATE,
    SLOPE_SPAN,
    TINY,
    TRUST,
    Mixture,
    scored_horizons,
)
from lstm_stream.network import Floats

EXPERTS, HORIZON = 4, 8
ROW = np.zeros(1, np.int64)
EVEN = np.ones((EXPERTS, len(scored_horizons(HORIZON))), np.float32)


def mixed(values: npt.NDArray[np.float64], said: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """What the mixture says (T, H) of a series whose experts say (T, E, H)."""
    mixture = Mixture.empty(EXPERTS, HORIZON)
    mixture.grow(1)
    unit, told = np.ones((1, HORIZON), np.float32), []
    for t, moves in enumerate(said):
        moved = [values[t] - values[t - h] if h <= t else np.nan for h in range(1, HORIZON + 1)]
        mixture.score(ROW, np.asarray([t]), np.asarray([moved], np.float32), unit)
        weights = mixture.standing(ROW, EVEN, HORIZON).weights(there[None])
        assert weights.sum(1) == pytest.approx(np.ones((1, HORIZON)), abs=1e-5)
        told.append((weights[0] * np.where(there[:, None], moves, 0.0)).sum(0))
        mixture.put(ROW, np.asarray([t]), np.where(there[:, None], moves, np.nan)[None])
    return np.asarray(told, np.float32)


def world(seed: int, noise: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], Floats, Floats]:
    """Values, what came of each step (T, H), and experts (T, E, H) that err by so much each (T, E)."""
    generator = np.random.default_rng(seed)
    values = generator.normal(size=len(noise) + HORIZON)
    ahead = np.arange(len(noise))[:, None] + np.arange(1, HORIZON + 1)
    came = (values[ahead] - values[: len(noise), None]).astype(np.float32)
    off = generator.normal(size=(*noise.shape, HORIZON)) * noise[:, :, None]
    return values, came, (came[:, None] + off).astype(np.float32)


ALL = np.ones(EXPERTS, np.bool_)


@pytest.mark.parametrize("best", range(EXPERTS))
def test_the_mixture_is_never_much_worse_than_its_best_expert(best: int) -> None:
    noise = np.full((600, EXPERTS), 1.5)
    noise[:, best] = 0.3
    values, came, said = world(best, noise)
    errors = ((mixed(values, said, ALL) - came)[200:] ** 2).mean(0)
    assert (errors < 1.1 * ((said[200:, best] - came[200:]) ** 2).mean(0)).all()


def test_experts_as_good_as_each_other_are_averaged() -> None:
    values, came, said = world(0, np.ones((600, EXPERTS)))
    assert ((mixed(values, said, ALL) - came)[200:] ** 2).mean() < 0.4


def test_the_mixture_turns_to_an_expert_that_has_become_better() -> None:
    noise = np.full((2000, EXPERTS), 1.0)
    noise[:1000, 0], noise[1000:, 1] = 0.2, 0.2
    noise[1000:, 0] = 2.0
    values, came, said = world(0, noise)
    errors = ((mixed(values, said, ALL) - came) ** 2).mean(1)
    assert errors[1700:].mean() < 0.1


def test_an_expert_that_is_not_there_has_no_say() -> None:
    values, came, said = world(0, np.full((300, EXPERTS), 0.5))
    there = np.asarray([True, False, True, True])
    said[:, 1] = 1e6
    assert ((mixed(values, said, there) - came) ** 2).mean() < 1.0


def test_experts_that_make_up_for_each_other_are_worth_more_than_a_better_one() -> None:
    values, came, said = world(0, np.full((1500, EXPERTS), 1.0))
    off = said[:, 0] - came
    said[:, 1] = came - off + 0.1 * (said[:, 1] - came)
    said[:, 2] = came + 0.7 * off  # the best alone
    errors = ((mixed(values, said, ALL) - came)[500:] ** 2).mean()
    assert errors < 0.3 * ((said[500:, 2] - came[500:]) ** 2).mean()


def combined(told: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float:
    """The mean of what was told (E,), NaN where nothing was."""
    there = ~np.isnan(told)
    return float(told[there] @ weights[there] / weights[there].sum())


def oracle(errors: npt.NDArray[np.float64], scored: tuple[int, ...], prior: float) -> npt.NDArray[np.float64]:
    """Weights (E, K) of a series after errors (T, E, K), NaN where nothing had been said: the slow clear version."""
    loss, mass, slope = np.zeros((3, *errors.shape[1:]))
    own, first = np.zeros((2, len(scored)))
    ahead = np.asarray(scored, np.float64)

    def weights(assumed: float) -> npt.NDArray[np.float64]:
        doubt = PATIENCE / (mass + PATIENCE)
        mean = (1 - doubt) * np.log((loss + TINY) / (mass + TINY)) + doubt * np.log(assumed)
        power, rate = POWER[0] * ahead ** POWER[1], RATE[0] * ahead ** RATE[1]
        badness = power * mean + rate * np.clip(slope / (own + FLAT), -1.0, 1.0)
        last = len(scored) - 1
        shared = [
            (badness[:, max(k - 1, 0)] + 2 * badness[:, k] + badness[:, min(k + 1, last)]) / 4 for k in range(last + 1)
        ]
        kept = np.exp(-np.stack(shared, 1))
        shares: npt.NDArray[np.float64] = kept / kept.sum(0)
        return shares

    for now in errors:
        before = weights(1.0)
        for k, steps in enumerate(scored):
            there = ~np.isnan(now[:, k])
            if not there.any():
                continue
            mixture = combined(now[:, k], before[:, k])
            kept = 1.0 - 1.0 / (SLOPE_SPAN[0] + SLOPE_SPAN[1] * steps)
            own[k] = kept * own[k] + mixture**2
            first[k] = kept * first[k] + now[0, k] ** 2
            slope[:, k] = kept * slope[:, k] + np.where(there, mixture * (now[:, k] - mixture), 0.0)
            kept = 1.0 - 1.0 / (LOSS_SPAN[0] + LOSS_SPAN[1] * steps)
            loss[:, k] = kept * loss[:, k] + np.where(there, now[:, k] ** 2, 0.0)
            mass[:, k] = kept * mass[:, k] + there
    gain = mass[0] / (mass[0] + PATIENCE) * np.log((first + FLAT) / (own + FLAT))
    trust = 1 / (1 + np.exp(TRUST[1] - TRUST[0] * gain))
    trusted: npt.NDArray[np.float64] = weights(prior) * trust
    trusted[0] += 1 - trust
    return trusted


def scored_once(mixture: Mixture, rows: npt.NDArray[np.int64], t: int, values: Floats, said: Floats) -> None:
    """Let series take their step t of values (S, T), and their experts say (S, E, H) what they do."""
    moved = np.full((len(rows), HORIZON), np.nan, np.float32)
    for ahead in range(1, min(t, HORIZON) + 1):
        moved[:, ahead - 1] = values[rows, t] - values[rows, t - ahead]
    mixture.score(rows, np.full(len(rows), t), moved, np.ones_like(moved))
    mixture.put(rows, np.full(len(rows), t), said)


def test_the_weights_are_those_of_the_slow_clear_version_and_have_the_same_bits_in_any_company() -> None:
    generator = np.random.default_rng(0)
    series, steps, scored = 5, 120, scored_horizons(HORIZON)
    values = generator.normal(size=(series, steps)).astype(np.float32)
    said = generator.normal(size=(steps, series, EXPERTS, HORIZON)).astype(np.float16).astype(np.float32)
    said[:30, :, 1] = np.nan  # too young for this one
    rows = np.arange(series)
    together, alone = Mixture.empty(EXPERTS, HORIZON), Mixture.empty(EXPERTS, HORIZON)
    together.grow(series)
    alone.grow(series)
    for t in range(steps):
        scored_once(together, rows, t, values, said[t])
        for row in rows:
            scored_once(alone, rows[row : row + 1], t, values, said[t, row : row + 1])
    there = np.ones((series, EXPERTS), np.bool_)
    weights = together.standing(rows, 2 * EVEN, HORIZON).weights(there)
    for row in rows:
        assert (alone.standing(rows[row : row + 1], 2 * EVEN, HORIZON).weights(there[:1])[0] == weights[row]).all()
        errors = np.full((steps, EXPERTS, len(scored)), np.nan)
        for k, ahead in enumerate(scored):
            came = values[row, ahead:] - values[row, :-ahead]
            errors[ahead:, :, k] = came[:, None] - said[:-ahead, row, :, ahead - 1]
        errors = np.where(np.isnan(errors).all(1, keepdims=True), np.nan, errors)
        assert weights[row][:, np.asarray(scored) - 1] == pytest.approx(oracle(errors, scored, 2.0), abs=1e-4)


@pytest.mark.parametrize("season", [4, 6, 7, 8, 12, 24])
def test_an_expert_that_is_right_at_whole_seasons_only_is_not_believed_between_them(season: int) -> None:
    horizon, steps = 48, 1500
    values = 2 * np.random.default_rng(5).normal(size=season)[np.arange(steps + horizon) % season]
    ahead = np.arange(steps)[:, None] + np.arange(1, horizon + 1)
    came = (values[ahead] - values[:steps, None]).astype(np.float32)
    last_value, rough = np.zeros_like(came), came + np.float32(0.5)
    mixture = Mixture.empty(2, horizon)
    mixture.grow(1)
    for t in range(steps):
        moved = [values[t] - values[t - h] if h <= t else np.nan for h in range(1, horizon + 1)]
        mixture.score(ROW, np.asarray([t]), np.asarray([moved], np.float32), np.ones((1, horizon), np.float32))
        mixture.put(ROW, np.asarray([t]), np.stack([last_value[t], rough[t]])[None])
    even = np.ones((2, len(scored_horizons(horizon))), np.float32)
    weights = mixture.standing(ROW, even, horizon).weights(np.ones((1, 2), np.bool_))
    between = np.flatnonzero(np.arange(1, horizon + 1) % season)
    assert (weights[0, 0, between] < 0.2).all()


def test_where_nothing_beats_the_first_expert_it_is_left_to_the_first() -> None:
    generator = np.random.default_rng(3)
    values = np.cumsum(generator.normal(size=2000 + HORIZON))
    ahead = np.arange(2000)[:, None] + np.arange(1, HORIZON + 1)
    came = (values[ahead] - values[:2000, None]).astype(np.float32)
    said = generator.normal(size=(2000, EXPERTS, HORIZON)).astype(np.float32) * np.float32(0.5)
    said[:, 0] = 0.0
    errors = ((mixed(values, said, ALL) - came)[300:] ** 2).mean(0)
    assert (errors < 1.005 * (came[300:] ** 2).mean(0)).all()


def test_an_easy_series_keeps_its_own_order_of_experts_whatever_others_lose() -> None:
    mixture, t = Mixture.empty(EXPERTS, HORIZON), 400
    mixture.grow(1)
    generator = np.random.default_rng(4)
    for step in range(t):
        moved = np.full((1, HORIZON), 0.0 if step else np.nan, np.float32)
        mixture.score(ROW, np.asarray([step]), moved, np.ones_like(moved))
        said = 0.1 * generator.normal(size=(1, EXPERTS, HORIZON)).astype(np.float32)
        said[:, 2] *= 0.1
        mixture.put(ROW, np.asarray([step]), said)
    hard = 100 * EVEN
    hard[2] *= 10
    weights = mixture.standing(ROW, hard, HORIZON).weights(ALL[None])
    assert (weights[0, 2] > 0.9).all()
