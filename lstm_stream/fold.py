"""Going through a call's observations in the order of the log, with the gaps before them filled.

Letters: N observations of a call, C covariates, S series, M members of an event.
"""

import numpy as np

from lstm_stream.anomaly import WARM
from lstm_stream.arithmetic import Flag, Whole, Wholes
from lstm_stream.bounds import Bounds, floor_and_cap, take_value
from lstm_stream.call import AGAIN, BEGIN, END, FAULTY, LEFT, Call
from lstm_stream.compiled import compiled, entry
from lstm_stream.forecasting import forecast, is_finite
from lstm_stream.forecasts import ExpertForecasts, Forecasts
from lstm_stream.grid import FORECAST, JUMP, Rhythm, place
from lstm_stream.groups import join, meet_in_groups
from lstm_stream.history import History, factor
from lstm_stream.intervals import write_quantiles
from lstm_stream.notes import BREAKS, EVENTS, OFFERED, SEEN, STEPS, Notes, leave_nothing
from lstm_stream.readout import ONE
from lstm_stream.replay import offer
from lstm_stream.seasons import SECOND
from lstm_stream.series import Series
from lstm_stream.state import Members, Parts, Shared, State, Tables, Workspace
from lstm_stream.step import take_in


@entry
def go_through(p: Parts, position: Wholes, counts: Wholes, folded: int, due: int, offered: int) -> Flag:
    """Go on through a call until so many steps of all series are due, or to its end.

    Parameters
    ----------
    position : (5,)
        How far the call has been gone through; moved on. Where a series is to start again, that is left to the caller.
    counts : (5,)
        Moved on.
    folded
        Steps of all series at the last fold.
    offered
        Windows that were offered to replay before the current learning interval began.

    Returns
    -------
    Whether it was to its end.
    """
    call = p.call
    while True:
        if position[LEFT] < 0:
            if position[END] == len(call.rows):
                return True
            _begin_event(p.series, p.rhythm, call, position, counts, p.forecasts)
            if p.tables.grouped and position[END] - position[BEGIN] > 1:
                join(p.groups, p.series.membership, call.rows[position[BEGIN] : position[END]])
        while position[LEFT] >= 0:
            if counts[STEPS] >= due:
                return False
            count = _members(p.state.history, call, position, p.members, p.forecasts)
            if position[AGAIN] >= 0:
                return False
            _take_steps(p, count, position[LEFT], counts, folded, offered)
            position[LEFT] -= 1
            position[FAULTY] = _faulty(p.state, p.notes, p.members, count, counts[STEPS] - count - folded)
            if position[FAULTY] > 0:
                return False


@compiled
def _begin_event(
    series: Series, rhythm: Rhythm, call: Call, position: Wholes, counts: Wholes, forecasts: Forecasts
) -> None:
    """Place the observations of the next event; where a series occurs in it once more, that is another event."""
    begin = end = position[END]
    counts[EVENTS] += 1
    most = -1
    while end < len(call.rows) and call.events[end] == call.events[begin]:
        i = call.rows[end]
        if series.event[i] == counts[EVENTS]:
            break
        series.event[i] = counts[EVENTS]
        last = series.grid.last[i]
        placed = place(series.grid, rhythm, i, call.times[end], np.isnan(call.values[end]))
        forecasts.outcome[end] = placed.outcome
        if placed.outcome == JUMP:
            forecasts.origin[end], forecasts.step[end] = last, series.grid.step[i] / SECOND
        call.missing[end], call.restart[end], call.step[end] = placed.missing, placed.restart, series.grid.step[i]
        if placed.outcome == FORECAST:
            forecasts.restart[end] = placed.restart
            most = max(most, placed.missing)
        end += 1
    position[BEGIN], position[END], position[LEFT] = begin, end, most


@compiled
def _members(history: History, call: Call, position: Wholes, members: Members, forecasts: Forecasts) -> Whole:
    """Find the series that have a step so many steps before the event; tells how many."""
    count = 0
    for n in range(position[BEGIN], position[END]):
        if forecasts.outcome[n] == FORECAST and call.missing[n] >= position[LEFT]:
            if call.restart[n] and history.age[call.rows[n]] > 0:
                position[AGAIN] = n
            members.rows[count], members.sources[count] = call.rows[n], n
            count += 1
    return count


@compiled
def _take_steps(p: Parts, count: int, left: int, counts: Wholes, folded: int, offered: int) -> None:
    """Take one step of each of the members."""
    state, series, tables, shared = p.state, p.series, p.tables, p.shared
    members, work, call, forecasts = p.members, p.work, p.call, p.forecasts
    first = counts[STEPS]
    for m in range(count):
        counts[BREAKS] += take_in(p, m, left, first + m - folded)
    if tables.grouped:
        meet_in_groups(
            p.groups,
            series.membership,
            state.history,
            state.trace,
            members.rows[:count],
            members.scale,
            tables.features.linear,
            members.regressors[:, ONE + 1 :],
            members.corrections,
            members.others,
        )
    for m in range(count):
        i, n = members.rows[m], members.sources[m]
        member = series.membership.group[i] > 0 and tables.grouped
        forecast(p, m, member, first + m - folded)
        counts[OFFERED] += offer(
            p.replay, state.history, state.trace, i, series.identity[i], first + m, offered, members.scale[m]
        )
        if not series.lately[i]:
            series.lately[i], series.latest[counts[SEEN]] = True, i
            counts[SEEN] += 1
        if left == 0:
            if not np.isnan(call.values[n]):
                forecasts.outside[n] = take_value(series.bounds, i, call.values[n])
            write_forecast(state, series.bounds, tables, shared, work, i, call.times[n], n, forecasts)
            forecasts.surprise[n] = members.surprise[m]
            if len(p.by_expert.mean) > 0:
                _write_by_expert(state, work, members, m, i, n, p.by_expert)
    counts[STEPS] += count


@compiled
def _faulty(state: State, notes: Notes, members: Members, count: int, first: int) -> Whole:
    """Put those members first that came to something that is not finite; tells how many.

    Parameters
    ----------
    first
        Place of the first member in the log, since the last fold.
    """
    faulty = 0
    for m in range(count):
        if not is_finite(state, notes.rows[first + m], members.rows[m]):
            leave_nothing(notes, first + m)
            members.rows[faulty], members.sources[faulty] = members.rows[m], members.sources[m]
            faulty += 1
    return faulty


@entry
def write_forecast(
    state: State,
    bounds: Bounds,
    tables: Tables,
    shared: Shared,
    work: Workspace,
    i: int,
    time: int,
    n: int,
    forecasts: Forecasts,
) -> None:
    """Write the forecast from the newest step of series i as the n-th, within its bounds."""
    history, horizon = state.history, forecasts.mean.shape[1]
    unit = factor(history, i)
    spread = state.moves.spread[i, (history.age[i] - 1) % horizon]
    quantiles = forecasts.quantiles[n]
    floor, cap = floor_and_cap(bounds, i)
    write_quantiles(state.intervals, tables.intervals, i, spread, unit, work.intervals.quantiles, quantiles)
    for h in range(horizon):
        mean = history.latest[i] + unit * state.intervals.newest[i, h]
        forecasts.mean[n, h] = min(max(mean, floor), cap)
        for k in range(quantiles.shape[1]):
            quantiles[h, k] = min(max(quantiles[h, k] + mean, floor), cap)
    forecasts.origin[n] = time
    forecasts.scale[n] = abs(unit) * spread
    forecasts.warming[n] = state.errors.scored[i] < WARM
    forecasts.updates[n] = shared.updates
    forecasts.lstm_share[n] = state.combination.lstm_share[i]
    forecasts.step[n] = history.step[i] / SECOND
    forecasts.drifts[n] = shared.drifts


@compiled
def _write_by_expert(
    state: State, work: Workspace, members: Members, m: int, i: int, n: int, by_expert: ExpertForecasts
) -> None:
    """Write what the experts say, in the series' unit, and their weights."""
    unit, latest = factor(state.history, i), state.history.latest[i]
    for e in range(work.said.shape[0]):
        for h in range(work.said.shape[1]):
            by_expert.mean[n, e, h] = latest + unit * (work.said[e, h] * members.scale[m, h])
            by_expert.weights[n, e, h] = work.weights[e, h]
