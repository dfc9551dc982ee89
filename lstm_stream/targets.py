"""What became of earlier steps: the targets that regressions learn from.

Letters: H horizons, K marked ones.
"""

from lstm_stream.arithmetic import Flag, Flags, Floats, Real, bounded, ratio, widened
from lstm_stream.compiled import compiled
from lstm_stream.history import History
from lstm_stream.readout import Layout
from lstm_stream.trace import Trace

LARGEST = 10.0
"""In move scales; for a regression, a move or an error further than this counts as this."""


@compiled
def moved_since(history: History, i: int, origin: int, h: int, scale: Floats) -> Real:
    """How far the value h + 1 steps after an origin lies from it, in move scales (H,) of now."""
    kept = history.ring.shape[1]
    return ratio(history.ring[i, (origin + h + 1) % kept] - history.ring[i, origin % kept], scale[h])


@compiled
def off_since(trace: Trace, i: int, origin: int, h: int, moved: Real, scale: Floats) -> Real:
    """How far a move lies off what was said of it at its origin without the network.

    In move scales of now, which may be a hundredth of those then: so it is bounded once more.
    """
    slot = origin % trace.unit.shape[1]
    said = widened(trace.plain[i, slot, h]) * ratio(trace.unit[i, slot], scale[h])
    return bounded(moved - said, LARGEST)


@compiled
def was_observed(trace: Trace, i: int, origin: int, t: int) -> Flag:
    """Whether the values of two steps were observed."""
    kept = trace.observed.shape[1]
    return origin >= 0 and trace.observed[i, origin % kept] and trace.observed[i, t % kept]


@compiled
def write_readout_targets(
    history: History, trace: Trace, layout: Layout, i: int, scale: Floats, targets: Floats, known: Flags
) -> None:
    """Write what each marked horizon (K,) can learn from now that the newest value is there."""
    t = history.age[i] - 1
    for k in range(len(layout.marks)):
        h = layout.marks[k] - 1
        origin = t - layout.origin[layout.group[k]]
        known[k] = was_observed(trace, i, origin, origin + h + 1)
        moved = moved_since(history, i, origin, h, scale)
        targets[k] = off_since(trace, i, origin, h, moved, scale)


@compiled
def write_oldest_targets(history: History, trace: Trace, i: int, scale: Floats, targets: Floats) -> Flag:
    """Write what all horizons of the oldest origin came to, (2H,); tells whether that is something to learn from.

    How far values moved, filled gaps among them, then how far off that was what was said without the network.
    """
    horizon = len(scale)
    t = history.age[i] - 1
    origin = t - horizon
    for h in range(horizon):
        moved = moved_since(history, i, origin, h, scale)
        targets[h] = bounded(moved, LARGEST)
        targets[horizon + h] = off_since(trace, i, origin, h, moved, scale)
    return was_observed(trace, i, origin, t)
