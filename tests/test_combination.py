"""The laws of the combination: near the best of its experts, wherever and whenever that is."""

import numpy as np
import numpy.typing as npt
import pytest

from lstm_stream.arithmetic import Floats
from lstm_stream.columns import grown
from lstm_stream.combination import (
    HANDICAP,
    PATIENCE,
    TELLING,
    TRUST_POWER,
    YOUNG_SPAN,
    combine,
    open_experts,
    penalise,
    score_experts,
)
from lstm_stream.compiled import entry
from lstm_stream.expert_errors import LARGEST_AGAIN, LARGEST_ERROR, largest_error
from lstm_stream.expert_losses import (
    FLAT,
    LOSS_SPAN,
    POWER,
    RATE,
    REGRET_SPAN,
    TINY,
    Combination,
    Scoring,
    scored_horizons,
)
from lstm_stream.history import History, append

EXPERTS, HORIZON = 4, 8
EVEN = np.ones((EXPERTS, len(scored_horizons(HORIZON))), np.float32)


@entry
def follow(
    combination: Combination,
    scoring: Scoring,
    i: int,
    first: int,
    values: Floats,
    said: Floats,
    log_prior: Floats,
    weights: Floats,
    mixed: Floats,
    largest: float,
) -> None:
    """Let series i see values (T,) from a step on, and write what its experts' moves (T, E, H) come to together.

    Weights (E, H) are those of the last step, the combinations are (T, H); scale and spread are 1.
    """
    horizon = said.shape[2]
    moved, one = np.empty(horizon, np.float32), np.ones(horizon, np.float32)
    penalty, shares, even = np.empty_like(log_prior), np.empty_like(log_prior), np.zeros_like(log_prior)
    errors, trust, gain = np.empty_like(log_prior), np.empty(log_prior.shape[1], np.float32), even[0].copy()
    for t in range(first, len(values)):
        for h in range(horizon):
            moved[h] = values[t] - values[t - h - 1] if t > h else np.nan
        score_experts(combination, scoring, i, t, 0, moved, one, one, np.float32(largest), 0.0, even, errors, penalty)
        penalise(combination, scoring, i, log_prior, gain, penalty, trust)
        combine(scoring, penalty, trust, said[t], shares, weights, mixed[t])
        open_experts(combination, scoring, i, t, said[t], one, np.float32(1.0))


def followed(
    values: npt.NDArray[np.floating],
    said: Floats,
    prior: Floats,
    row: int = 0,
    rows: int = 1,
    largest: float = LARGEST_ERROR,
) -> tuple[Floats, Floats]:
    """The last weights (E, H) and all combinations (T, H) of a series, one of several rows, that sees these."""
    _, experts, horizon = said.shape
    weights, mixed = np.zeros((experts, horizon), np.float32), np.zeros((len(said), horizon), np.float32)
    log_prior = np.log(prior + TINY).astype(np.float32)
    combination = grown(Combination.empty(experts, horizon), rows)
    single = values[: len(said)].astype(np.float32)
    told = np.ascontiguousarray(said)
    follow(combination, Scoring.of(horizon), row, 0, single, told, log_prior, weights, mixed, largest)
    return weights, mixed


def mixed(values: npt.NDArray[np.float64], said: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """What the combination says (T, H) of a series whose experts say (T, E, H)."""
    weights, told = followed(values, np.where(there[:, None], said, np.float32(np.nan)), EVEN)
    assert weights.sum(0) == pytest.approx(np.ones(HORIZON), abs=1e-5)
    return told


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
def test_the_combination_is_never_much_worse_than_its_best_expert(best: int) -> None:
    noise = np.full((600, EXPERTS), 1.5)
    noise[:, best] = 0.3
    values, came, said = world(best, noise)
    errors = ((mixed(values, said, ALL) - came)[200:] ** 2).mean(0)
    assert (errors < 1.1 * ((said[200:, best] - came[200:]) ** 2).mean(0)).all()


def test_experts_as_good_as_each_other_are_averaged() -> None:
    values, came, said = world(0, np.ones((600, EXPERTS)))
    assert ((mixed(values, said, ALL) - came)[200:] ** 2).mean() < 0.4


def test_the_combination_turns_to_an_expert_that_has_become_better() -> None:
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
        prior_weight = PATIENCE / (mass + PATIENCE)
        mean = (1 - prior_weight) * np.log((loss + TINY) / (mass + TINY)) + prior_weight * np.log(assumed)
        power, rate = POWER[0] * ahead ** POWER[1], RATE[0] * ahead ** RATE[1]
        penalty = power * mean + rate * np.clip(slope / (own + FLAT), -1.0, 1.0)
        last = len(scored) - 1
        shared = [
            (penalty[:, max(k - 1, 0)] + 2 * penalty[:, k] + penalty[:, min(k + 1, last)]) / 4 for k in range(last + 1)
        ]
        kept = np.exp(-np.stack(shared, 1))
        shares: npt.NDArray[np.float64] = kept / kept.sum(0)
        return shares

    for t, now in enumerate(errors):
        before = weights(1.0)
        for k, steps in enumerate(scored):
            there = ~np.isnan(now[:, k])
            if not there.any():
                continue
            mixture = combined(now[:, k], before[:, k])
            told = min(1.0, TELLING * (mixture**2 + np.nan_to_num(now[0, k]) ** 2))
            kept = 1.0 - told / (REGRET_SPAN[0] + REGRET_SPAN[1] * steps)
            own[k] = kept * own[k] + mixture**2
            first[k] = kept * first[k] + now[0, k] ** 2
            slope[:, k] = kept * slope[:, k] + np.where(there, mixture * (now[:, k] - mixture), 0.0)
            lived = max(mass[0, k], t - steps)
            kept = 1.0 - 1.0 / min(LOSS_SPAN[0] + LOSS_SPAN[1] * steps, YOUNG_SPAN * (lived + 1.0))
            loss[:, k] = kept * loss[:, k] + np.where(there, now[:, k] ** 2, 0.0)
            mass[:, k] = kept * mass[:, k] + there
    gain = mass[0] / (mass[0] + PATIENCE) * np.log((first + FLAT) / (own + FLAT))
    trust = 1 / (1 + np.exp(HANDICAP - TRUST_POWER * gain))
    trusted: npt.NDArray[np.float64] = weights(prior) * trust
    trusted[0] += 1 - trust
    return trusted


def test_the_weights_are_those_of_the_slow_clear_version_in_any_row() -> None:
    generator = np.random.default_rng(0)
    steps, scored = 120, scored_horizons(HORIZON)
    for row in range(3):
        values = generator.normal(size=steps).astype(np.float32)
        said = generator.normal(size=(steps, EXPERTS, HORIZON)).astype(np.float16).astype(np.float32)
        said[:30, 1] = np.nan  # too young for this one
        weights, _ = followed(values, said, 2 * EVEN)
        assert (followed(values, said, 2 * EVEN, row, 3)[0] == weights).all()
        errors = np.full((steps, EXPERTS, len(scored)), np.nan)
        for k, ahead in enumerate(scored):
            came = values[ahead:] - values[:-ahead]
            errors[ahead:, :, k] = came[:, None] - said[:-ahead, :, ahead - 1]
        assert weights[:, np.asarray(scored) - 1] == pytest.approx(oracle(errors, scored, 2.0), abs=1e-4)


@pytest.mark.parametrize("season", [4, 6, 7, 8, 12, 24])
def test_an_expert_that_is_right_at_whole_seasons_only_is_not_believed_between_them(season: int) -> None:
    horizon, steps = 48, 1500
    values = 2 * np.random.default_rng(5).normal(size=season)[np.arange(steps + horizon) % season]
    ahead = np.arange(steps)[:, None] + np.arange(1, horizon + 1)
    came = (values[ahead] - values[:steps, None]).astype(np.float32)
    last_value, rough = np.zeros_like(came), came + np.float32(0.5)
    even = np.ones((2, len(scored_horizons(horizon))), np.float32)
    weights, _ = followed(values, np.stack([last_value, rough], 1), even)
    between = np.flatnonzero(np.arange(1, horizon + 1) % season)
    assert (weights[0, between] < 0.2).all()


def test_while_nothing_moves_it_is_remembered_who_was_right_when_something_did() -> None:
    steps, values = 1200, np.zeros(1200 + HORIZON)
    values[50::300] = 5.0  # a demand now and then
    ahead = np.arange(steps)[:, None] + np.arange(1, HORIZON + 1)
    came = (values[ahead] - values[:steps, None]).astype(np.float32)
    said = np.zeros((steps, 2, HORIZON), np.float32)  # the first: it stays; the second: back to nothing, with an error
    said[:, 1] = 0.02 - values[:steps, None].astype(np.float32)
    even = np.ones((2, len(scored_horizons(HORIZON))), np.float32)
    _, told = followed(values, said, even)
    assert np.abs(told[950, 0] - came[950, 0]) < 0.2 * 5.0


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
    generator, steps = np.random.default_rng(4), 400
    said = 0.1 * generator.normal(size=(steps, EXPERTS, HORIZON)).astype(np.float32)
    said[:, 2] *= 0.1
    hard = 100 * EVEN
    hard[2] *= 10
    weights, _ = followed(np.zeros(steps), said, hard)
    assert (weights[2] > 0.9).all()


def test_an_expert_that_was_bad_when_the_series_was_young_and_is_the_best_since_then_leads() -> None:
    noise = np.full((400, EXPERTS), 0.5)
    noise[:, 1] = np.where(np.arange(400) < 60, 3.0, 0.1)
    values, _, said = world(6, noise)
    weights, _ = followed(values, said, EVEN)
    assert (weights[1] > 0.6).all()


def test_what_no_expert_foresaw_does_not_change_who_leads() -> None:
    noise = np.full((400, EXPERTS), 1.0)
    noise[:, 2] = 0.2
    values, _, said = world(7, noise)
    before, _ = followed(values, said, EVEN, largest=LARGEST_AGAIN)
    values[-2 * HORIZON :] += 1000.0
    weights, _ = followed(values, said, EVEN, largest=LARGEST_AGAIN)
    assert (before[2] > 0.9).all()
    assert (weights[2] > 0.4).all()


@entry
def bound_of(history: History, values: Floats, moved: Floats, one: Floats) -> float:
    """The largest error of a series of these values, whose scale and spread are 1 and whose level is 0."""
    for value in values:
        append(history, 0, value)
    return float(largest_error(history, 0, np.float32(0.0), moved, one, one))


@pytest.mark.parametrize("times", [0, 1, 2, 3, 6])
@pytest.mark.parametrize("lasting", [1, 5])
def test_an_error_counts_for_more_only_where_values_came_as_far_off_again_and_again(times: int, lasting: int) -> None:
    values, one = np.zeros(200, np.float32), np.ones(1, np.float32)
    for time in range(times):
        values[20 * time + 10 : 20 * time + 10 + lasting] = 50.0
    bound = bound_of(grown(History.empty(256), 1), values, np.float32(50.0) * one, one)
    assert bound == (LARGEST_AGAIN if times >= 3 else LARGEST_ERROR)
