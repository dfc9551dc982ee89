"""Second half of a step of a series: the experts are asked, combined, and the forecast is opened.

Letters: H horizons, E experts, R regressors.
"""

import math

import numpy as np

from lstm_stream.arithmetic import Flag, Floats, Real, bounded, copy, fill, halved, ratio, widened
from lstm_stream.autoregression import say_autoregression
from lstm_stream.cell import think
from lstm_stream.combination import (
    LARGEST_FREE_MOVE,
    LARGEST_ITERATED_MOVE,
    LARGEST_MOVE,
    combine,
    open_experts,
    penalise,
    share_of_the_lstm,
    write_disagreement,
)
from lstm_stream.compiled import compiled
from lstm_stream.error_sizes import uncertainty_of
from lstm_stream.experts import (
    AUTOREGRESSION,
    EXPERTS,
    GROUP,
    LSTM,
    MOMENTUM,
    PRETRAINED,
    PROFILE_SHORT,
    SHARED_ON_LAGS,
    SIMILAR_SEASONS,
    say_going_on,
)
from lstm_stream.features import POOLED
from lstm_stream.group_regression import write_corrected
from lstm_stream.history import back
from lstm_stream.intervals import open_intervals
from lstm_stream.measured_features import round_features, write_lags, write_marked
from lstm_stream.move_scale import open_moves
from lstm_stream.pretrained import say_pretrained
from lstm_stream.readout import ONE, begin_readout, learn_readout, write_readout
from lstm_stream.scale import spread_of
from lstm_stream.seasonal import extend_reach, say_seasonal
from lstm_stream.similar_seasons import say_similar
from lstm_stream.state import Parts, State, Workspace
from lstm_stream.targets import write_oldest_targets, write_readout_targets
from lstm_stream.trace import keep_features, keep_hidden, keep_plain, write_regressors


@compiled
def forecast(p: Parts, m: int, member: bool, place: int) -> None:
    """Second half of a step: ask the experts, combine them, and open the forecast.

    Parameters
    ----------
    member
        Whether the series is in a group.
    """
    state, tables, shared, members, work = p.state, p.tables, p.shared, p.members, p.work
    i = members.rows[m]
    said, scale = work.said, members.scale[m]
    _ask_plain(p, m, i, member)
    penalise(state.combination, tables.scoring, i, shared.log_losses, shared.gain, work.penalty, work.trust)
    combine(tables.scoring, work.penalty, work.trust, said[:PRETRAINED], work.shares, work.weights, work.mixed)
    _ask_network(p, m, i)
    _ask_regressions(p, m, i, place)
    combine(tables.scoring, work.penalty, work.trust, said, work.shares, work.weights, work.mixed)
    _open(p, i, scale)


@compiled
def _ask_plain(p: Parts, m: int, i: int, member: bool) -> None:
    """Ask the experts that need no network how far values will move, in move scales."""
    state, tables, members, work = p.state, p.tables, p.members, p.work
    said, scale, linear = work.said, members.scale[m], members.linear[m]
    fill(said[0], 0.0)
    copy(linear, said[SHARED_ON_LAGS])
    write_corrected(linear, members.corrections[m], member, said[GROUP])
    history, of_scale, similar = state.history, state.scale, state.similar
    say_seasonal(history, of_scale, i, said[PROFILE_SHORT:SIMILAR_SEASONS], work.profiles)
    say_similar(similar, history, of_scale, i, tables.lasting, said[SIMILAR_SEASONS], work.candidates)
    say_going_on(history, of_scale, i, said[MOMENTUM:AUTOREGRESSION])
    say_autoregression(state.autoregressions, history, of_scale, i, said[AUTOREGRESSION], work.fitted)
    _write_reach(state, i, scale, work.reach)
    for e in range(1, PRETRAINED):
        largest = np.float32(LARGEST_FREE_MOVE if MOMENTUM <= e < AUTOREGRESSION else LARGEST_MOVE)
        if e == AUTOREGRESSION:
            largest = np.float32(LARGEST_ITERATED_MOVE)
        in_units = PROFILE_SHORT <= e < GROUP
        for h in range(said.shape[1]):
            move = ratio(said[e, h], scale[h]) if in_units else said[e, h]
            said[e, h] = _in_reach(move, h, largest, work.reach)


@compiled
def _write_reach(state: State, i: int, scale: Floats, reach: Floats) -> None:
    """Write how far values may move (2, H), down and up, in move scales, however large a move is.

    That is back to the level, and to what came twice, a season apart.
    """
    off = state.scale.level[i] - back(state.history, i, 0)
    fill(reach[0], min(off, np.float32(0.0)))
    fill(reach[1], max(off, np.float32(0.0)))
    extend_reach(state.history, state.scale, i, reach)
    for h in range(len(scale)):
        reach[0, h], reach[1, h] = ratio(reach[0, h], scale[h]), ratio(reach[1, h], scale[h])


@compiled
def _in_reach(move: Real, h: int, largest: Real, reach: Floats) -> Real:
    """A move over h + 1 steps, no larger than so many move scales unless that is within reach; NaN for NaN."""
    if move > 0:
        return min(move, max(largest, reach[1, h]))
    if move < 0:
        return max(move, min(-largest, reach[0, h]))
    return move


@compiled
def _ask_network(p: Parts, m: int, i: int) -> None:
    """Complete the features by what the plain experts say together, and let the networks take their step.

    The regressions correct what the plain experts and the pretrained network say together.
    """
    state, tables, shared, members, work = p.state, p.tables, p.shared, p.members, p.work
    t, columns = state.history.age[i] - 1, tables.features
    x = members.regressors[m, ONE + 1 : ONE + 1 + columns.total]
    write_marked(members.linear[m], columns.marks, x[columns.linear : columns.plain])
    write_marked(work.mixed, columns.marks, x[columns.plain : columns.corrections])
    if tables.grouped:
        for k in range(columns.others - columns.corrections):
            x[columns.corrections + k] = members.corrections[m, k]
        round_features(x[columns.corrections : columns.others])
        for k in range(POOLED):
            x[columns.others + k] = halved(members.others[m, k])
    keep_features(state.trace, i, t, x)
    think(shared.weights, x, state.trace.hidden[i], state.trace.cell[i], work.gates, work.output)
    carried = state.pretrained
    say_pretrained(
        shared.pretrained,
        x,
        work.mixed,
        carried.hidden[i],
        carried.cell[i],
        members.scale[m],
        state.scale.spread[i] == 0,
        work.pretrained,
        work.said[PRETRAINED],
        work.spreads[2],
    )
    for h in range(work.said.shape[1]):
        work.said[PRETRAINED, h] = bounded(work.said[PRETRAINED, h], np.float32(LARGEST_MOVE))
    combine(tables.scoring, work.penalty, work.trust, work.said[:LSTM], work.shares, work.weights, work.mixed)
    keep_plain(state.trace, i, t, work.mixed, members.scale[m])
    keep_hidden(state.trace, i, t)


@compiled
def _ask_regressions(p: Parts, m: int, i: int, place: int) -> None:
    """Let the readout learn, leave to the pooled regressions what they learn from, and ask the experts of the LSTM."""
    state, tables, shared, notes, members, work = p.state, p.tables, p.shared, p.notes, p.members, p.work
    t, said, scale = state.history.age[i] - 1, work.said, members.scale[m]
    for group in range(len(tables.readout.origin)):
        write_regressors(state.trace, i, t - tables.readout.origin[group], work.read[group])
    _leave_note(state, work, notes.rows[place], i, scale)
    begin_readout(state.readouts, i, shared.readout)
    write_readout_targets(state.history, state.trace, tables.readout, i, scale, work.targets, work.known)
    learn_readout(
        state.readouts,
        tables.readout,
        i,
        work.read,
        work.targets,
        work.known,
        shared.inverse,
        shared.alarm,
        work.gain,
    )
    now = members.regressors[m]
    write_regressors(state.trace, i, t, now[ONE:])
    copy(work.output, said[LSTM])
    write_readout(state.readouts, tables.readout, i, now[ONE:], work.marked, said[LSTM + 1])
    for e in range(LSTM, EXPERTS):
        for h in range(len(scale)):
            move = said[e, h] if e == LSTM else work.mixed[h] + said[e, h]
            said[e, h] = _in_reach(move, h, np.float32(LARGEST_MOVE), work.reach)


@compiled
def _leave_note(state: State, work: Workspace, row: Floats, i: int, scale: Floats) -> None:
    """Leave regressors and targets of the oldest origin to the pooled regressions."""
    horizon, width = len(scale), len(row) - 2 * len(scale)
    if write_oldest_targets(state.history, state.trace, i, scale, row[width:]):
        write_lags(state.history, state.scale, i, horizon, row[:ONE])
        copy(work.read[-1], row[ONE:width])
    else:
        fill(row[:width], 0.0)


@compiled
def _open(p: Parts, i: int, scale: Floats) -> None:
    """Keep what the experts and their combination say until it comes."""
    state, tables, work = p.state, p.tables, p.work
    t, value = state.history.age[i] - 1, back(state.history, i, 0)
    spread = spread_of(state.scale, state.history, i)
    open_experts(state.combination, tables.scoring, i, t, work.said, scale, spread)
    state.combination.lstm_share[i] = share_of_the_lstm(work.weights)
    moves, disagreement, told = work.spreads[0], work.spreads[1], work.spreads[2]
    write_disagreement(work.said, work.weights, work.mixed, disagreement)
    for h in range(len(scale)):
        moves[h] = work.mixed[h] * scale[h]
        disagreement[h] = uncertainty_of(disagreement[h], told[h]) * scale[h]
    quantiles = work.intervals.quantiles
    open_intervals(state.intervals, state.errors, tables.intervals, i, t, spread, moves, disagreement, quantiles)
    open_moves(state.moves, i, t, value, spread)


@compiled
def is_finite(state: State, note: Floats, i: int) -> Flag:
    """Whether what a step of series i came to is finite, and what it leaves to the pooled regressions."""
    total = state.history.latest[i] + state.scale.level[i] + state.scale.spread[i]
    for h in range(state.intervals.newest.shape[1]):
        total += state.intervals.newest[i, h] + widened(state.intervals.width[i, h])
    for group in range(state.intervals.centre.shape[1]):
        total += state.intervals.centre[i, group]
    for u in range(state.trace.hidden.shape[1]):
        total += state.trace.hidden[i, u] + state.trace.cell[i, u]
    for u in range(state.pretrained.hidden.shape[1]):
        total += widened(state.pretrained.hidden[i, u]) + widened(state.pretrained.cell[i, u])
    for r in range(state.autoregressions.weights.shape[1]):
        total += state.autoregressions.weights[i, r]
    for k in range(len(note)):
        total += note[k]
    return math.isfinite(total)
