"""Groups: series whose values arrive in the same event; what the others did tells about each.

Letters: N series of an event, H horizons, F features, K corrected horizons.
"""

import numpy as np

from lstm_stream.arithmetic import Flag, Floats, Whole, Wholes, dot, fill
from lstm_stream.columns import grown
from lstm_stream.compiled import compiled
from lstm_stream.features import POOLED
from lstm_stream.group_regression import (
    MOST_MEMBERS,
    SOLVE_EVERY,
    Groups,
    begin_step,
    learn_member,
    solve,
    write_shown,
)
from lstm_stream.history import History
from lstm_stream.series import Membership
from lstm_stream.trace import Trace


@compiled
def join(groups: Groups, membership: Membership, rows: Wholes) -> None:
    """Let the series (N,) of an event be of one group: of that of the first that has one, else of a new one."""
    group = -1
    for row in rows:
        if group < 0 and membership.group[row] > 0:
            group = membership.group[row] - 1
    if group < 0:
        group = number_of(groups)
    for row in rows:
        if membership.group[row] == 0:
            place = groups.joined[group]
            membership.group[row], membership.slot[row] = group + 1, place + 1
            groups.joined[group] = place + 1
            if place < MOST_MEMBERS:
                groups.members[group, place] = row + 1


@compiled
def number_of(groups: Groups) -> Whole:
    """Groups so far."""
    number = 0
    while number < len(groups.joined) and groups.joined[number] > 0:
        number += 1
    return number


def total(groups: Groups) -> int:
    """Groups so far."""
    return int(np.count_nonzero(groups.joined))


def with_room(groups: Groups, more: int) -> Groups:
    """The groups with room for so many more."""
    there = total(groups)
    return grown(groups, max(2 * there, there + more, 4)) if there + more > len(groups.joined) else groups


def most_to_come(membership: Membership, series: int, rows: Wholes, events: Wholes) -> int:
    """The most groups that may come together: events (N,) of several of the series none of which is in one."""
    if not len(rows):
        return 0
    starts = np.flatnonzero(np.diff(events, prepend=events[0] - 1))
    known = np.maximum.reduceat(membership.group[rows], starts) > 0
    several = np.diff(starts, append=len(rows)) > 1
    strangers = np.count_nonzero(membership.group[:series] == 0)
    return int(min(np.count_nonzero(several & ~known), strangers // 2))


@compiled
def meet_in_groups(
    groups: Groups,
    membership: Membership,
    history: History,
    trace: Trace,
    rows: Wholes,
    scales: Floats,
    linear: int,
    own: Floats,
    corrections: Floats,
    others: Floats,
) -> None:
    """Let the series of one step of an event learn from each other.

    Parameters
    ----------
    rows : (N,)
        The series.
    scales : (N, H)
        Their move scales.
    linear
        Where the kept features have the predictions for the corrected horizons.
    own : (N, F)
        Their features, of which the first are known, and kept in the trace.
    corrections : (N, K)
        Where it is written how far each one's next values will lie off what was predicted, in move scales; 0 for a
        series in no group, or in a large one.
    others : (N, 3)
        Where the mean first features of the others of its group are written; 0 where it is alone.
    """
    for n in range(len(rows)):
        fill(corrections[n], 0.0)
        fill(others[n], 0.0)
        if membership.group[rows[n]] > 0:
            groups.present[membership.group[rows[n]] - 1] = 0
    for n in range(len(rows)):
        _enter(groups, membership, history, trace, rows[n], scales[n], linear, own[n])
    for n in range(len(rows)):
        group = membership.group[rows[n]] - 1
        if group >= 0:
            _leave(groups, membership, history, trace, rows[n], own[n], corrections[n], others[n])


@compiled
def _small(groups: Groups, group: int) -> Flag:
    return groups.joined[group] <= MOST_MEMBERS


@compiled
def _enter(
    groups: Groups,
    membership: Membership,
    history: History,
    trace: Trace,
    row: int,
    scale: Floats,
    linear: int,
    own: Floats,
) -> None:
    """Count a member in, and learn from what became of what was said of it."""
    group = membership.group[row] - 1
    if group < 0:
        return
    if groups.present[group] == 0:
        fill(groups.total[group], 0.0)
        if _small(groups, group):
            begin_step(groups, history, trace, group)
    groups.present[group] += 1
    for k in range(POOLED):
        groups.total[group, k] += own[k]
    if _small(groups, group):
        learn_member(groups, history, trace, group, membership.slot[row] - 1, row, scale, linear)


@compiled
def _leave(
    groups: Groups,
    membership: Membership,
    history: History,
    trace: Trace,
    row: int,
    own: Floats,
    corrections: Floats,
    others: Floats,
) -> None:
    """Write what the group tells a member, its weights brought up to date where that is due."""
    group = membership.group[row] - 1
    present = abs(groups.present[group])
    if present > 1:
        for k in range(POOLED):
            others[k] = (groups.total[group, k] - own[k]) / np.float32(present - 1)
    if not _small(groups, group):
        return
    if groups.present[group] > 0:
        if groups.learnt[group] % SOLVE_EVERY == 0:
            solve(groups, group)
        write_shown(groups, history, trace, group, 0, groups.regressors[group])
        groups.present[group] = -present
    for k in range(len(corrections)):
        corrections[k] = dot(groups.weights[group, membership.slot[row] - 1, k], groups.regressors[group])
