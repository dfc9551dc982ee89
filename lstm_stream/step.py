"""First half of a step of a series: it takes a value in, which has arrived or is filled in.

It is scored against what was forecast, the scale is moved, the features are built. Then the series of one event hear of
each other, and in the second half (`forecasting`) the experts are asked.

Letters: H horizons, E experts, C covariates.
"""

import math

import numpy as np

from lstm_stream.anomaly import WARM, change_unit, score_anomaly, widen_range
from lstm_stream.arithmetic import Flag, Real, add_product, bounded, fill, ratio
from lstm_stream.autoregression import learn_autoregression
from lstm_stream.breaks import mend_break, mend_standstill
from lstm_stream.combination import score_experts
from lstm_stream.compiled import compiled
from lstm_stream.covariates import write_covariates
from lstm_stream.error_sizes import expected_size
from lstm_stream.expert_errors import largest_error
from lstm_stream.expert_losses import begin_expert, forget_losses
from lstm_stream.experts import AUTOREGRESSION, BY_THE_LONGER_SEASON, SIMILAR_SEASONS
from lstm_stream.features import OF_THE_SERIES
from lstm_stream.history import append, back, count_repeat, factor
from lstm_stream.intervals import LARGEST_ERROR, begin_errors, learn_errors, mean_error, measure_errors
from lstm_stream.measured_features import round_features, write_lags, write_own
from lstm_stream.move_scale import disown_moves, learn_moves, measure_moves, write_move_scale
from lstm_stream.readout import ONE
from lstm_stream.scale import first_moves, gated, measure, rescale, set_step, spread_of
from lstm_stream.season_search import look_for_season
from lstm_stream.similar_seasons import compare, compare_anew
from lstm_stream.state import Parts, State, Tables
from lstm_stream.trace import keep_features, meet, rewind


@compiled
def take_in(p: Parts, m: int, left: int, place: int) -> Flag:
    """First half of a step of the series that is the m-th of its event.

    Parameters
    ----------
    left
        How many steps are still to come until that of the event; 0: the value is that of the event, else it is filled.
    place
        In the log, since the last fold.

    Returns
    -------
    Whether a structural break was mended.
    """
    state, tables, shared, notes, members, work = p.state, p.tables, p.shared, p.notes, p.members, p.work
    i, n = members.rows[m], members.sources[m]
    step = p.call.step[n]
    value, time = p.call.values[n] if left == 0 else np.nan, p.call.times[n] - left * step
    history, scale = state.history, state.scale
    set_step(scale, history, i, step)
    outlier = gated(scale, history, i, value)
    observed = not (math.isnan(value) or outlier)
    expected = history.latest[i] + factor(history, i) * state.intervals.newest[i, 0]
    notes.errors[place] = _error(state, i, value, expected) if observed else np.float32(np.nan)
    if observed:
        count_repeat(history, i, value)
    append(history, i, value if observed else expected)
    members.observed[m] = observed
    members.surprise[m] = 1.0 if outlier and state.errors.judged[i] >= WARM else np.nan
    broken = broken_or_begun = False
    if observed:
        members.surprise[m] = _score(p, i)
        broken = broken_or_begun = _mend(state, tables, i)
        rescale(scale, history, i, shared.roughness)
        if look_for_season(history, scale, i, p.series.identity[i]):
            for e in BY_THE_LONGER_SEASON:
                begin_expert(state.combination, i, e)
        if first_moves(history, i):
            _begin_to_move(state, i)
            broken_or_begun = True
    if broken_or_begun:
        measure_moves(state.moves, i, history.age[i] - 1, back(history, i, 0), work.moved, work.unit)
    _move_on(p, m, i, place)
    _look(p, m, n, time, left == 0)
    return broken


@compiled
def _error(state: State, i: int, value: Real, expected: Real) -> Real:
    """Absolute one-step error in spreads; NaN for the first value of a series."""
    if state.history.age[i] == 0:
        return np.float32(np.nan)
    off = abs(value - expected) / abs(factor(state.history, i))
    return ratio(off, spread_of(state.scale, state.history, i))


@compiled
def _score(p: Parts, i: int) -> Real:
    """Hold the newest value against what was forecast of it; returns its anomaly score, NaN while warming."""
    state, tables, work = p.state, p.tables, p.work
    t, value, moved, unit = state.history.age[i] - 1, back(state.history, i, 0), work.moved, work.unit
    measure_moves(state.moves, i, t, value, moved, unit)
    measure_errors(state.intervals, tables.intervals, i, t, moved, unit, work.intervals)
    score = np.nan
    if work.intervals.there[0]:
        size = expected_size(state.intervals, i, unit[0], work.intervals)
        jump = bounded(moved[0], LARGEST_ERROR) * unit[0]
        error, wide = work.intervals.error[0], mean_error(work.intervals)
        score = score_anomaly(state.errors, i, error, wide, jump, size, state.history.latest[i])
    learn_errors(state.intervals, tables.intervals, i, t, unit, work.intervals)
    return score


@compiled
def _mend(state: State, tables: Tables, i: int) -> Flag:
    """Mend what is kept of what has come to an end, or begun, with the newest value; tells whether there was any."""
    since, found = mend_break(state.history, state.scale, i, tables.symmetric)
    if since >= 0:
        state.intervals.anew[i] = state.history.age[i] - 1
        change_unit(state.errors, i, found)
        kept = state.history.ring[i, : min(state.history.age[i], state.history.ring.shape[1])]
        widen_range(state.errors, i, kept, state.history.first[i], factor(state.history, i))
        _resume(state, i, since)
    still = mend_standstill(state.history, state.scale, i)
    if still >= 0:
        _resume(state, i, still)
    return since >= 0 or still >= 0


@compiled
def _begin_to_move(state: State, i: int) -> None:
    """Forget what the repeats say that a series began with: how well they were foreseen tells nothing of its life."""
    begin_errors(state.intervals, i, state.history.age[i] - 1)
    disown_moves(state.moves, i, 0, state.history.age[i])
    forget_losses(state.combination, i)


@compiled
def _resume(state: State, i: int, since: int) -> None:
    """Go on as if the values since a step had been what is kept of them now."""
    length = state.history.age[i] - since
    measure(state.scale, state.history, i)
    compare_anew(state.similar, i)
    rewind(state.trace, i, since, length)
    disown_moves(state.moves, i, since, length)
    forget_losses(state.combination, i)


@compiled
def _move_on(p: Parts, m: int, i: int, place: int) -> None:
    """Learn how far values move and how good the experts are; keep the state that the step meets."""
    state, tables, shared, notes, members, work = p.state, p.tables, p.shared, p.notes, p.members, p.work
    t, observed = state.history.age[i] - 1, members.observed[m]
    spread, scale = spread_of(state.scale, state.history, i), members.scale[m]
    if not observed:
        fill(work.moved, np.nan)
        fill(work.unit, 1.0)
    born = state.scale.born[i]
    learn_moves(state.moves, i, t - born, work.moved, work.unit, spread)
    write_move_scale(state.moves, i, state.history.age[i] - born, spread, shared.move_scale, scale)
    meet(state.trace, i, t, observed)
    if compare(state.similar, state.history, state.scale, i):
        begin_expert(state.combination, i, SIMILAR_SEASONS)
    if learn_autoregression(state.autoregressions, state.history, state.scale, i, observed, work.fitted):
        begin_expert(state.combination, i, AUTOREGRESSION)
    score_experts(
        state.combination,
        tables.scoring,
        i,
        t,
        born,
        work.moved,
        work.unit,
        scale,
        largest_error(state.history, i, state.scale.level[i], work.moved, work.unit, scale),
        shared.alarm,
        work.even,
        notes.losses[place],
        work.penalty,
    )


@compiled
def _look(p: Parts, m: int, n: int, time: int, told: bool) -> None:
    """Build the features of the series itself, and ask the regression on lags.

    Parameters
    ----------
    told
        Whether the covariates of the n-th observation are of this step; one that is filled has none.
    """
    state, tables, shared, members, i = p.state, p.tables, p.shared, p.members, p.members.rows[m]
    regressors, base = members.regressors[m], tables.features.base
    own = regressors[ONE + 1 : ONE + 1 + base]
    write_own(state.history, state.scale, i, time, members.observed[m], own)
    write_covariates(p.series.covariates, i, p.call.covariates[n], told, own[OF_THE_SERIES:])
    round_features(own[OF_THE_SERIES:])
    keep_features(state.trace, i, state.history.age[i] - 1, own)
    write_lags(state.history, state.scale, i, 0, regressors[:ONE])
    regressors[ONE] = 1.0
    fill(members.linear[m], 0.0)
    add_product(members.linear[m], regressors[: ONE + 1 + base], shared.on_lags)
