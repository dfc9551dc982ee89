"""What followed upon the seasons before that went like the last one: on the days that this day is like.

Days are compared with the newest values by how far these lie off theirs, apart from a distance that all have in
common. What followed a day counts the more the more alike it is, moved by the last distance, which fades. That is
forecasting by analogues (Lorenz 1969, "Atmospheric predictability as revealed by naturally occurring analogues";
"similar days" in load forecasting), with whole seasons between candidates, so that it costs the same at every step.

Letters: S series, C candidates, H horizons.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.arithmetic import Flag, Floats, Halves, Real, Whole, bounded, fill, fits, narrowed, ratio, widened
from lstm_stream.compiled import compiled
from lstm_stream.history import History, back
from lstm_stream.scale import Scale, spread_of
from lstm_stream.seasons import LONG, SHORT

CANDIDATES = 48
"""C: seasons ago."""
DISTANCE_SPAN = 5.0
"""Steps of memory of the distance from a candidate."""
LASTING = 0.99
"""What is left of the distance at the next step."""
MOST_SPAN, SPANS_OF_SEASON = 48.0, 0.5
"""Steps of memory of how unlike a candidate is, and seasons of it at most."""
FEWEST = 24
"""Steps, or those of a season, that a candidate is compared for until it counts."""
LEAST = 1e-4
"""In units: candidates that differ by less are all alike."""
LARGEST = 6e4
"""In units; further apart counts as this."""


class SimilarSeasons(NamedTuple):
    """How the seasons before went beside the newest one."""

    unit: Floats  # (S,) of distances, in the ring's unit; 0: it has not begun
    season: npt.NDArray[np.int32]  # (S,) in steps
    compared: npt.NDArray[np.int32]  # (S,) steps since it began
    distance: Halves  # (S, C) of the newest values from the candidate's, in units
    unlike: Halves  # (S, C) standard deviation of that, in units

    @classmethod
    def empty(cls) -> "SimilarSeasons":
        """Of no series."""
        halves = np.zeros((0, CANDIDATES), np.uint16)
        whole = np.zeros(0, np.int32)
        return cls(np.zeros(0, np.float32), whole, whole, halves, halves)


def lasting(horizon: int) -> Floats:
    """What is left of a distance at each horizon (H,)."""
    return (LASTING ** np.arange(1, horizon + 1)).astype(np.float32)


@compiled
def season_to_compare(scale: Scale, i: int) -> Whole:
    """Steps from one candidate to the next: the season that was found, or the shortest of the calendar's; 0: none."""
    if scale.found[i] > 0 or scale.lags[i, SHORT] == 0:
        return scale.lags[i, LONG]
    return scale.lags[i, SHORT]


@compiled
def compare(similar: SimilarSeasons, history: History, scale: Scale, i: int) -> Flag:
    """Compare the newest value with those whole seasons before; begin anew where the season has changed.

    Returns
    -------
    Whether it has.
    """
    season = season_to_compare(scale, i)
    spread = spread_of(scale, history, i)
    if not fits(similar.unit[i], spread) or similar.season[i] != season:
        similar.unit[i] = spread if season > 1 and scale.spread[i] > 0 else np.float32(0.0)
        changed = similar.season[i] != season
        similar.season[i], similar.compared[i] = season, 0
        return changed
    similar.compared[i] += 1
    slowly = np.float32(1.0 / min(MOST_SPAN, max(SPANS_OF_SEASON * season, DISTANCE_SPAN)))
    for c in range(_candidates(similar, history, scale, i)):
        known = _known(similar, history, scale, i, c)
        first = known == 1
        apart = _apart(similar, history, i, c)
        distance = np.float32(0.0) if first else widened(similar.distance[i, c])
        unlike = np.float32(0.0) if first else widened(similar.unlike[i, c])
        distance += max(np.float32(1.0 / DISTANCE_SPAN), np.float32(1.0) / known) * (apart - distance)
        off = apart - distance
        variance = unlike * unlike
        variance += max(slowly, np.float32(1.0) / known) * (off * off - variance)
        similar.distance[i, c] = narrowed(distance)
        similar.unlike[i, c] = narrowed(math.sqrt(max(variance, np.float32(0.0))))
    return False


@compiled
def compare_anew(similar: SimilarSeasons, i: int) -> None:
    """Forget how the seasons before went beside the newest one."""
    similar.compared[i] = 0


@compiled
def _candidates(similar: SimilarSeasons, history: History, scale: Scale, i: int) -> Whole:
    """How many seasons before now there are to compare with."""
    there = min(history.age[i] - 1 - scale.born[i], history.ring.shape[1] - 1)
    return min(there // similar.season[i], CANDIDATES)


@compiled
def _known(similar: SimilarSeasons, history: History, scale: Scale, i: int, c: int) -> Whole:
    """For how many steps a candidate has been compared."""
    lived = history.age[i] - 1 - scale.born[i]
    return min(np.int64(similar.compared[i]), lived - (c + 1) * similar.season[i] + 1)


@compiled
def _apart(similar: SimilarSeasons, history: History, i: int, c: int) -> Real:
    """How far the newest value lies off that of a candidate, in units."""
    apart = back(history, i, 0) - back(history, i, (c + 1) * similar.season[i])
    return np.float32(bounded(ratio(apart, similar.unit[i]), np.float32(LARGEST)))


@compiled
def say_similar(
    similar: SimilarSeasons, history: History, scale: Scale, i: int, lasting: Floats, moves: Floats, total: Floats
) -> None:
    """Write how far values will move (H,) by what followed candidates, in the ring's unit; NaN where there is none.

    Parameters
    ----------
    lasting : (H,)
        What is left of a distance.
    total : (H,)
        Workspace to work in.
    """
    fill(moves, 0.0)
    fill(total, 0.0)
    there = _candidates(similar, history, scale, i) if similar.unit[i] > 0 else 0
    enough = min(similar.season[i], FEWEST)
    least = np.float32(np.inf)
    for c in range(there):
        if _known(similar, history, scale, i, c) >= enough:
            least = min(least, max(widened(similar.unlike[i, c]), np.float32(LEAST)))
    for c in range(there):
        if _known(similar, history, scale, i, c) >= enough:
            alike = least / max(widened(similar.unlike[i, c]), np.float32(LEAST))
            _add_candidate(similar, history, i, c, alike, lasting, moves, total)
    season, value = similar.season[i], back(history, i, 0)
    for h in range(len(moves)):
        if total[h] > 0:
            moves[h] = moves[h] / total[h] - value
        else:
            moves[h] = moves[h - season] if 0 < season <= h else np.float32(np.nan)


@compiled
def _add_candidate(
    similar: SimilarSeasons,
    history: History,
    i: int,
    c: int,
    alike: Real,
    lasting: Floats,
    moves: Floats,
    total: Floats,
) -> None:
    """Add what followed a candidate, with the weight that it has, and that weight."""
    alike *= alike
    alike *= alike
    weight, lag, kept = alike * alike, (c + 1) * similar.season[i], history.ring.shape[1]
    distance = widened(similar.distance[i, c]) * similar.unit[i]
    place = (history.age[i] - 1 - lag) % kept
    for h in range(min(lag, len(moves))):
        place = place + 1 if place + 1 < kept else 0
        moves[h] += weight * (history.ring[i, place] + lasting[h] * distance)
        total[h] += weight
