"""How much each expert has to say, by how wrong it was of late.

Letters: S series, E experts, K scored horizons, H horizons, O open forecasts of a series.
"""

import math

import numpy as np

from lstm_stream.arithmetic import (
    MOST_HALF,
    Floats,
    Real,
    bounded,
    fill,
    narrowed,
)
from lstm_stream.compiled import compiled
from lstm_stream.expert_errors import write_errors
from lstm_stream.expert_losses import FLAT, TINY, Combination, Scoring
from lstm_stream.experts import PRETRAINED

PATIENCE = 20.0
"""Errors of its own that a series' experts must have had until these count as much as those of the other series; in
logarithms, as one series may be much easier to foresee than the others."""
LARGEST_MOVE = 10.0
"""In move scales; no expert that fits something or repeats what was may say more."""
LARGEST_FREE_MOVE = 60.0
"""In move scales; nor may those that go on from the last values alone, whose moves are as large as these."""
LARGEST_ITERATED_MOVE = 6.0
"""In move scales; nor may one whose errors grow from step to step. A growth of 5 % a step stays within it."""
TRUST_POWER, HANDICAP = 40.0, 2.0
"""Power of the loss of the first expert over the combination's that the combination has to show, and its handicap: it
is left to the first where it is not better."""
YOUNG_SPAN = 2.0
"""Squared errors of a young series are forgotten over so many times those that it has had, as the first ones are not
the usual ones. At 1.5 a series that grows by 5 % a day errs 30 % less 24 steps ahead, but other series err .5 % more;
without it growth errs twice as far. What is learnt anew after a structural break is not young."""
TELLING = 0.5
"""Times two squared errors in move scales, the combination's and the first expert's: by how much of a step regrets are
forgotten, at most by a whole one. Where nothing moves, it is remembered who was right when something did."""
ALARMED = 0.3
"""What a full alarm leaves of the memory of squared errors."""


@compiled
def score_experts(
    combination: Combination,
    scoring: Scoring,
    i: int,
    t: int,
    born: int,
    moved: Floats,
    unit: Floats,
    scale: Floats,
    largest: Real,
    alarm: Real,
    even: Floats,
    errors: Floats,
    penalty: Floats,
) -> None:
    """Score what was said of step t, and learn how good each expert is.

    Parameters
    ----------
    born
        The step at which the series began to move.
    moved, unit : (H,)
        How far the value lies from where it was so many steps before, in spreads of then; NaN: not known. These
        spreads, in the ring's unit.
    scale : (H,)
        The move scale.
    largest
        What errors count as that are further out, in move scales (see `expert_errors.largest_error`).
    alarm
        0 to 1: how much has changed of late; the more, the shorter the memory.
    even : (E, K)
        Zeros.
    errors : (E, K)
        Where squared errors are written, NaN where nothing was said.
    penalty : (E, K)
        What is worked on.
    """
    write_errors(combination, scoring, i, t, moved, unit, scale, largest, errors)
    _write_penalty(combination, scoring, i, even, penalty)
    for k in range(errors.shape[1]):
        _learn_regret(combination, scoring, i, k, errors, penalty)
        _learn_loss(combination, scoring, i, k, t - born, errors, alarm)


@compiled
def _learn_regret(combination: Combination, scoring: Scoring, i: int, k: int, errors: Floats, penalty: Floats) -> None:
    """Learn which experts would have made up for the errors of the combination as it is now."""
    least, total, mixed = np.float32(np.inf), np.float32(0.0), np.float32(0.0)
    for e in range(errors.shape[0]):
        if not math.isnan(errors[e, k]):
            least = min(least, penalty[e, k])
    for e in range(errors.shape[0]):
        if not math.isnan(errors[e, k]):
            weight = math.exp(least - penalty[e, k])
            total += weight
            mixed += weight * errors[e, k]
    if total == 0:
        return
    mixed /= total
    first = np.float32(0.0) if math.isnan(errors[0, k]) else errors[0, k]
    told = min(np.float32(1.0), np.float32(TELLING) * (mixed * mixed + first * first))
    left = np.float32(1.0) - told / scoring.regret_span[k]
    for e in range(errors.shape[0]):
        steeper = np.float32(0.0) if math.isnan(errors[e, k]) else mixed * (errors[e, k] - mixed)
        combination.regret[i, e, k] = left * combination.regret[i, e, k] + steeper
    combination.own[i, k] = left * combination.own[i, k] + mixed * mixed
    combination.first[i, k] = left * combination.first[i, k] + first * first


@compiled
def _learn_loss(
    combination: Combination, scoring: Scoring, i: int, k: int, since: int, errors: Floats, alarm: Real
) -> None:
    """Learn how large errors are, so many steps after the series began; they are squared in place."""
    lived = max(np.float64(combination.mass[i, 0, k]), np.float64(since - scoring.horizon[k]))
    span = min(np.float64(scoring.loss_span[k]) * ALARMED**alarm, YOUNG_SPAN * (lived + 1.0))
    left = np.float32(1.0 - 1.0 / span)
    came = False
    for e in range(errors.shape[0]):
        came = came or not math.isnan(errors[e, k])
    if not came:
        return
    for e in range(errors.shape[0]):
        there = not math.isnan(errors[e, k])
        errors[e, k] *= errors[e, k]
        combination.loss[i, e, k] = left * combination.loss[i, e, k] + (errors[e, k] if there else np.float32(0.0))
        combination.mass[i, e, k] = left * combination.mass[i, e, k] + np.float32(1.0 if there else 0.0)


@compiled
def _write_penalty(combination: Combination, scoring: Scoring, i: int, log_prior: Floats, penalty: Floats) -> None:
    """Write by how many powers of e the weight (E, K) of each expert is less; `log_prior` (E, K) as below."""
    last = penalty.shape[1] - 1
    for e in range(penalty.shape[0]):
        for k in range(last + 1):
            mass = combination.mass[i, e, k]
            own = (combination.loss[i, e, k] + TINY) / (mass + TINY)
            prior_weight = np.float32(PATIENCE) / (mass + np.float32(PATIENCE))
            loss = (np.float32(1.0) - prior_weight) * math.log(own) + prior_weight * log_prior[e, k]
            slope = bounded(combination.regret[i, e, k] / (combination.own[i, k] + FLAT), np.float32(1.0))
            penalty[e, k] = scoring.power[k] * loss + scoring.rate[k] * slope
        before, here = penalty[e, 0], penalty[e, 0]
        for k in range(last + 1):
            after = penalty[e, min(k + 1, last)]
            penalty[e, k] = np.float32(0.5) * here + np.float32(0.25) * (before + after)
            before, here = here, after


@compiled
def penalise(
    combination: Combination,
    scoring: Scoring,
    i: int,
    log_prior: Floats,
    gain: Floats,
    penalty: Floats,
    trust: Floats,
) -> None:
    """Write how much is held against each expert of a series, whoever of them has something to say.

    Parameters
    ----------
    log_prior : (E, K)
        Logarithms of the losses that are known of the experts in general.
    gain : (K,)
        Logarithm of how many times as large the first expert's loss is as the combination's, in general.
    penalty : (E, K)
        Where it is written by how many powers of e a weight is less.
    trust : (K,)
        Where it is written how much is not left to the first expert.
    """
    _write_penalty(combination, scoring, i, log_prior, penalty)
    for k in range(len(trust)):
        prior_weight = np.float32(PATIENCE) / (combination.mass[i, 0, k] + np.float32(PATIENCE))
        own = math.log((combination.first[i, k] + FLAT) / (combination.own[i, k] + FLAT))
        gains = np.float32(TRUST_POWER) * ((np.float32(1.0) - prior_weight) * own + prior_weight * gain[k])
        trust[k] = 1.0 / (1.0 + math.exp(bounded(HANDICAP - gains, 30.0)))


@compiled
def combine(
    scoring: Scoring, penalty: Floats, trust: Floats, said: Floats, shares: Floats, weights: Floats, mixed: Floats
) -> None:
    """Write the weights (E, H) and the combination (H,) of what experts say (E, H); NaN: one says nothing.

    `shares` (E, K) is worked in. There may be fewer experts than penalty (E, K) has.
    """
    _write_shares(penalty, said, shares)
    fill(mixed, 0.0)
    first_says = not math.isnan(said[0, 0])
    for e in range(said.shape[0]):
        if math.isnan(said[e, 0]):
            fill(weights[e], 0.0)
            continue
        for h in range(said.shape[1]):
            below, above = shares[e, scoring.lower[h]], shares[e, scoring.upper[h]]
            weight = below + scoring.part[h] * (above - below)
            if first_says:
                held = _trust_at(scoring, trust, h)
                weight *= held
                if e == 0:
                    weight += np.float32(1.0) - held
            weights[e, h] = weight
            mixed[h] += weight * said[e, h]


@compiled
def _trust_at(scoring: Scoring, trust: Floats, h: int) -> Real:
    at_upper = trust[scoring.upper[h]]
    return max(trust[scoring.lower[h]], at_upper) if scoring.part[h] < 1 else at_upper


@compiled
def _write_shares(penalty: Floats, said: Floats, shares: Floats) -> None:
    """Write weights (E, K) that add up to 1 over the experts that say something."""
    for k in range(penalty.shape[1]):
        least, total = np.float32(np.inf), np.float32(0.0)
        for e in range(said.shape[0]):
            if not math.isnan(said[e, 0]):
                least = min(least, penalty[e, k])
        for e in range(said.shape[0]):
            shares[e, k] = 0.0 if math.isnan(said[e, 0]) else math.exp(least - penalty[e, k])
            total += shares[e, k]
        for e in range(said.shape[0]):
            shares[e, k] /= max(total, TINY)


@compiled
def open_experts(
    combination: Combination, scoring: Scoring, i: int, t: int, said: Floats, scale: Floats, spread: Real
) -> None:
    """Keep what the experts say (E, H) at step t, in move scales (H,), to be scored when it comes."""
    for k in range(len(scoring.horizon)):
        ahead = scoring.horizon[k]
        slot, spreads = scoring.first[k] + t % ahead, scale[ahead - 1] / spread
        for e in range(said.shape[0]):
            move = bounded(said[e, ahead - 1] * spreads, np.float32(MOST_HALF))
            combination.open[i, e, slot] = narrowed(move)


@compiled
def write_disagreement(said: Floats, weights: Floats, mixed: Floats, disagreement: Floats) -> None:
    """Write the standard deviation (H,) of what the experts say (E, H) around their combination (H,)."""
    for h in range(len(mixed)):
        total, middle = np.float32(0.0), bounded(mixed[h], np.float32(LARGEST_MOVE))
        for e in range(said.shape[0]):
            if not math.isnan(said[e, h]):
                off = bounded(said[e, h], np.float32(LARGEST_MOVE)) - middle
                total += weights[e, h] * off * off
        disagreement[h] = math.sqrt(total)


@compiled
def share_of_the_lstm(weights: Floats) -> Real:
    """Mean weight over the horizons of the experts that need the network."""
    total = np.float32(0.0)
    for e in range(PRETRAINED, weights.shape[0]):
        for h in range(weights.shape[1]):
            total += weights[e, h]
    return total / np.float32(weights.shape[1])
