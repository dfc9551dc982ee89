"""What came against what was forecast: the quantiles of each series' own errors.

Letters: S series, N rows of a round, H horizons, L quantile levels, G groups of horizons, O origins kept of a series,
R rungs, K tracked levels and J gaps of one side (`quantiles`).
"""

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.network import Floats, positive_ratio, ratio
from lstm_stream.quantiles import GAPS, LEVELS, Pulls, at, normal_quantiles, pulls, tracked
from lstm_stream.quantiles import moved as moved_by
from lstm_stream.readout import edges

GROUPS = (1, 2, 4, 8, 16, 24, 48, 96, 192)
"""Horizons up to each of these, from the one before on, share quantiles over sizes, and leanings."""
RUNGS = (0.5, 0.75, 0.9, 0.97, 0.99, 0.997)
"""Levels of the quantiles of absolute one-step errors that tell how surprising the next one is."""
RUNG_RATE = 0.05
"""How far a rung moves on one error, in its logarithm."""
LOWEST_RUNG = -1.0
"""In its logarithm, beyond the normal distribution's: a constant series must not forget that others move."""
TAIL = 4.0
"""Beyond the last rung, an error twice as large is this power of two as rare."""
REPEAT_SPAN = 1000
"""Memory of how often values repeat, in values."""
AGAIN_SPAN = 50
"""Memory of how often they do once more, in repeats."""
STANDSTILL_SHARE = 0.5
"""Of what a surprise allows for errors, what it allows for repeats."""
ANOMALOUS = 0.99
"""Of a standstill that was more surprising than this is told once."""
WARM = 64
"""One-step errors that must have come before a series is called warm."""
LARGEST_ERROR = 50.0
"""In spreads: what is further out counts as this."""
SETTLED = 400
"""Errors until quantiles move at the full rate: before, errors change with the network, and the size tells enough."""
SPAN = 200
"""Memory of sizes, in errors."""
YOUNG_WEIGHT = 4.0
"""Of a young series' newest error, against each of those before: first errors are not the usual ones."""
RECENT_SPAN = 6
"""One-step errors that tell how restless a series is."""
LEANING = 0.3
"""Power of restlessness and of doubt that sizes start from; none is ever below 0 or above 1."""
LEANING_RATE = 0.01
LARGEST_LOG = 2.0
"""Of restlessness, of doubt, and of what both make of a size."""
LARGEST_EXCESS = 7.0
"""An error larger than its size by more sizes than these teaches no more than one that is."""
DOUBT_UNIT = 63.0
"""One in the logarithm of doubt, as a small integer."""
SMALLEST_SIZE = 1e-6
"""In spreads."""
REACH_SPAN = 1000
BORROWED = 24
"""Moves that the usual reach is worth to a young series."""
LARGEST_PUBLISHED = 1e36
"""Beyond this a size has no room for what stretches it."""
MOST_HALF = 6e4
"""Near the largest number in half precision."""
OUTLIER = 10.0
"""In spreads: a move further than this counts as this."""


class _Layout(NamedTuple):
    """Which groups horizons are in, and where their open forecasts lie."""

    ahead: npt.NDArray[np.int64]  # (H,) 1..H
    place: npt.NDArray[np.int64]  # (H,) of the h that are kept of horizon h
    group: npt.NDArray[np.int64]  # (H,)
    start: npt.NDArray[np.int64]  # (G,) index of a group's first horizon
    edge: npt.NDArray[np.int64]  # (G,) its last horizon
    furthest: Floats  # (G,) the same
    edge_place: npt.NDArray[np.int64]  # (G,) of the `edge` that are kept of the group
    width: Floats  # (G,) how many it has
    leaning_rate: Floats  # (G,)

    @classmethod
    @cache
    def of(cls, horizon: int) -> "_Layout":
        ahead, edge = np.arange(1, horizon + 1), np.asarray(edges(GROUPS, horizon))
        start = np.concatenate([[0], edge[:-1]])
        return cls(
            ahead=ahead,
            place=np.cumsum(ahead) - ahead,
            group=np.searchsorted(edge, ahead),
            start=start,
            edge=edge,
            furthest=edge.astype(np.float32),
            edge_place=np.cumsum(edge) - edge,
            width=(edge - start).astype(np.float32),
            leaning_rate=(LEANING_RATE / np.sqrt(edge)).astype(np.float32),
        )


class _Came(NamedTuple):
    """What came of the forecasts of one step, each in the series' own unit."""

    origin: npt.NDArray[np.int64]  # (N, H) the step it was made at
    there: npt.NDArray[np.bool_]  # (N, H)
    seen: npt.NDArray[np.int64]  # (N, H) errors of each horizon so far
    lately: npt.NDArray[np.int64]  # (N, H) those that sizes have been learnt from
    moved: Floats  # (N, H) since the origin
    error: Floats  # (N, H)
    unit: Floats  # (N, H) the origin's spread
    restless: Floats  # (N, H) what was known at the origin
    doubt: Floats  # (N, H)


@dataclass
class Intervals(Columns):
    """Open forecasts of each series, and the quantiles of what became of those before.

    A quantile is a size times a quantile of errors over their size. The *size* is the mean absolute error of the
    horizon, stretched by what is known at the origin: how restless the series is (its last one-step errors), and how
    much the experts doubt each other (Lahiri and Sheng 2010, "Measuring forecast uncertainty by disagreement"). Powers
    of both are learned, by the gradient of the likelihood of errors of that mean size. The *quantiles of errors over
    their size* are tracked, a few levels per group of horizons (`quantiles`). For that, an error is held against the
    quantiles that held at its origin: today's would know the errors of the origins since, which are much like it, and
    flatter themselves.

    The surprise of a value is the share of one-step errors, each over its stretched size, that are smaller, by a few
    of their quantiles that follow in the same way: so its share above .99 is 1 % in the long run, whatever the errors
    do. A value that repeats the one before may err little, and yet be rare. So the surprise is also as large as values
    seldom repeat so often, where half as many may be above .99; of a long standstill is told once, and again when it
    has gone on for as long as would be rare after that.
    """

    newest: Floats  # (S, H) mean minus the origin's value, of the newest forecast
    width: npt.NDArray[np.float16]  # (S, H) its stretched sizes, in the origin's spreads
    moves: npt.NDArray[np.float16]  # (S, H(H+1)/2) means as `newest`, in spreads; of horizon h and step t at t % h
    doubts: npt.NDArray[np.int8]  # (S, H(H+1)/2) logarithm of doubt over the usual one
    restless: npt.NDArray[np.float16]  # (S, H) logarithm of recent one-step errors over their size, of step t at t % H
    shown: npt.NDArray[
        np.float16
    ]  # (S, O, 1 + K) a group's last size, in spreads, and quantiles; of step t at t % edge
    origin_value: Floats  # (S, H) the ring's value at the origin
    origin_spread: Floats  # (S, H)
    reach: Floats  # (S, H) how far values move in so many steps, mean absolute, in spreads
    size: Floats  # (S, H) mean absolute error, not stretched
    centre: Floats  # (S, G) median of the error over its stretched size
    gaps: Floats  # (S, G, 2, J) logarithms of the gaps between its tracked quantiles, beyond the normal distribution's
    leaning: Floats  # (S, 2, G) powers of restlessness and of doubt, beyond what they start from
    usual_doubt: Floats  # (S, H)
    recent: Floats  # (S,) mean of the last absolute one-step errors
    rungs: Floats  # (S, R) log quantiles of absolute one-step errors over their stretched size, beyond the normal ones
    repeats: (
        Floats  # (S, 2) share that repeat the value before, of those after a move, and after a repeat beyond a half
    )
    repeated: npt.NDArray[np.bool_]  # (S,) whether the newest value repeats the one before
    rarity: Floats  # (S,) logarithm of how rarely values repeat as often as they have since the last move, or surprise
    scored: npt.NDArray[np.int64]  # (S,) one-step errors so far
    anew: npt.NDArray[np.int64]  # (S,) step since which sizes are learnt
    absolute: Floats  # (S, 2) mean absolute one-step error: the model's, the last value's

    @classmethod
    def empty(cls, horizon: int) -> "Intervals":
        """The intervals of no series."""
        single, half = np.float32, np.float16
        layout = _Layout.of(horizon)
        groups, kept = len(layout.edge), int(layout.ahead.sum())
        return cls(
            newest=np.zeros((0, horizon), single),
            width=np.zeros((0, horizon), half),
            moves=np.zeros((0, kept), half),
            doubts=np.zeros((0, kept), np.int8),
            restless=np.zeros((0, horizon), half),
            shown=np.zeros((0, int(layout.edge.sum()), 1 + len(LEVELS)), half),
            origin_value=np.zeros((0, horizon), single),
            origin_spread=np.zeros((0, horizon), single),
            reach=np.zeros((0, horizon), single),
            size=np.zeros((0, horizon), single),
            centre=np.zeros((0, groups), single),
            gaps=np.zeros((0, groups, 2, GAPS), single),
            leaning=np.zeros((0, 2, groups), single),
            usual_doubt=np.zeros((0, horizon), single),
            recent=np.zeros(0, single),
            rungs=np.zeros((0, len(RUNGS)), single),
            repeats=np.zeros((0, 2), single),
            repeated=np.zeros(0, np.bool_),
            rarity=np.zeros(0, single),
            scored=np.zeros(0, np.int64),
            anew=np.zeros(0, np.int64),
            absolute=np.zeros((0, 2), single),
        )

    def score(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats) -> Floats:
        """Learn from what came at these steps; returns the surprise (N,), NaN while warming."""
        came = self._came(rows, step, value)
        before = _or(self.size[rows], came.unit)
        stretch = self._stretch(rows, came.restless, came.doubt)
        calm = np.abs(came.error).astype(np.float32) / stretch  # had nothing been known at the origin
        scaled = ratio(calm, before)
        surprise = self._surprise(rows, came, scaled[:, 0])
        self._lean(rows, came, scaled)
        size = self._resize(rows, came, calm, before)
        self._follow(rows, came, stretch, size)
        return surprise

    def _came(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats) -> _Came:
        layout = _Layout.of(self.size.shape[1])
        each, kept = rows[:, None], layout.place + step[:, None] % layout.ahead
        origin = step[:, None] - layout.ahead
        moved, unit = self.moved(rows, step, value)
        there = ~np.isnan(moved)
        moved = np.where(there, moved, np.float32(0.0))
        error = np.where(there, moved - self.moves[each, kept], np.float32(0.0)) * unit
        bound = np.float32(LARGEST_ERROR) * unit
        return _Came(
            origin=origin,
            there=there,
            seen=np.maximum(origin, 0),
            lately=np.maximum(origin - self.anew[rows, None], 0),
            moved=np.clip(moved * unit, -bound, bound),
            error=np.clip(error, -bound, bound),
            unit=unit,
            restless=self.restless[each, origin % len(layout.ahead)].astype(np.float32),
            doubt=self.doubts[each, kept] * np.float32(1 / DOUBT_UNIT),
        )

    def _stretch(self, rows: Rows, restless: Floats, doubt: Floats) -> Floats:
        """How many times their usual size errors are (N, H), by what was known at the origin."""
        leaning = np.take(self.leaning[rows] + np.float32(LEANING), _Layout.of(doubt.shape[1]).group, 2)  # (N, 2, H)
        stretch: Floats = np.exp(np.clip(leaning[:, 0] * restless + leaning[:, 1] * doubt, -LARGEST_LOG, LARGEST_LOG))
        return stretch

    def _lean(self, rows: Rows, came: _Came, scaled: Floats) -> None:
        layout = _Layout.of(scaled.shape[1])
        excess = np.where(came.there, np.minimum(scaled - np.float32(1.0), np.float32(LARGEST_EXCESS)), np.float32(0.0))
        gradient = np.stack([excess * came.restless, excess * came.doubt], 1)  # (N, 2, H)
        step = layout.leaning_rate * (np.add.reduceat(gradient, layout.start, 2) / layout.width)
        self.leaning[rows] = np.clip(self.leaning[rows] + step, -LEANING, 1.0 - LEANING)

    def _resize(self, rows: Rows, came: _Came, calm: Floats, before: Floats) -> Floats:
        weight = np.maximum(YOUNG_WEIGHT / (came.lately + (YOUNG_WEIGHT + 1.0)), 1.0 / SPAN).astype(np.float32)
        size = np.maximum(before + weight * (calm - before), np.float32(SMALLEST_SIZE) * came.unit)
        self.size[rows] = size = np.where(came.there, size, self.size[rows])
        return size

    def _follow(self, rows: Rows, came: _Came, stretch: Floats, size: Floats) -> None:
        """Move the tracked quantiles by what errors say of those that held at their origins."""
        layout = _Layout.of(size.shape[1])
        edge = layout.edge[layout.group]  # (H,)
        shown = self.shown[rows[:, None], layout.edge_place[layout.group] + came.origin % edge].astype(np.float32)
        then, now = shown[:, :, 0] * came.unit, np.take(size, edge - 1, 1)  # sizes of a group are taken to move as one
        grown = np.where(now > 0, ratio(then, np.where(now > 0, now, np.float32(1.0))), np.float32(1.0))
        published = stretch * np.minimum(size * grown.astype(np.float64), LARGEST_PUBLISHED).astype(np.float32)
        each = pulls(came.error, published[:, :, None] * shown[:, :, 1:])
        weight = np.where(came.there, np.minimum(came.seen / SETTLED, 1.0), 0.0) / layout.width[layout.group]
        pull = _grouped(each, weight.astype(np.float32), layout.start)
        seen = came.seen[:, layout.edge - 1]
        moved = moved_by(self.centre[rows], self.gaps[rows], pull, layout.furthest, seen)
        self.centre[rows], self.gaps[rows] = moved

    def _surprise(self, rows: Rows, came: _Came, error: Floats) -> Floats:
        """How far out these errors lie (N,), each over its stretched size; or how rarely values repeat so often."""
        there, warm = came.there[:, 0], self.scored[rows] >= WARM
        repeated = came.moved[:, 0] == 0
        rarity = self._rarity(rows, repeated)
        standstill = np.float32(1.0) - np.exp(rarity) / np.float32(STANDSTILL_SHARE)
        surprise = np.maximum(_outlyingness(error, self.rungs[rows]), standstill)
        self._keep(rows[there], np.abs(np.stack([came.error[there, 0], came.moved[there, 0]], 1)))
        self._climb(rows[there], error[there])
        self._repeat(rows[there], repeated[there])
        self.rarity[rows[there]] = np.where(standstill > ANOMALOUS, np.float32(0.0), rarity)[there]
        return np.where(there & warm, surprise, np.float32(np.nan))

    def _rarity(self, rows: Rows, repeated: npt.NDArray[np.bool_]) -> Floats:
        """Logarithm of how rarely values repeat as often as these (N,); 0 where they move."""
        count = np.minimum(self.scored[rows], REPEAT_SPAN).astype(np.float32)
        first = (self.repeats[rows, 0] * count + np.float32(1.0)) / (count + np.float32(2.0))
        again = np.maximum(np.float32(0.5) + self.repeats[rows, 1], np.float32(1e-6))
        rarity = self.rarity[rows] + np.log(np.where(self.repeated[rows], again, first))
        return np.where(repeated, rarity, np.float32(0.0))

    def _keep(self, rows: Rows, sizes: Floats) -> None:
        self.scored[rows] += 1
        weight = (1.0 / np.minimum(self.scored[rows], SPAN)).astype(np.float32)
        self.absolute[rows] += weight[:, None] * (sizes - self.absolute[rows])
        weight = (1.0 / np.minimum(self.scored[rows], RECENT_SPAN)).astype(np.float32)
        self.recent[rows] += weight * (sizes[:, 0] - self.recent[rows])

    def _climb(self, rows: Rows, error: Floats) -> None:
        """Move the rungs by whether errors lay above."""
        above = error[:, None] > _normal_rungs() * np.exp(self.rungs[rows])
        pull = np.where(above, RUNGS, np.subtract(RUNGS, 1.0)).astype(np.float32)
        self.rungs[rows] = np.maximum(self.rungs[rows] + np.float32(RUNG_RATE) * pull, np.float32(LOWEST_RUNG))

    def _repeat(self, rows: Rows, repeated: npt.NDArray[np.bool_]) -> None:
        """Learn how often values repeat the one before."""
        first, again = self.repeats[rows].T
        rate = (1.0 / np.minimum(self.scored[rows], REPEAT_SPAN)).astype(np.float32)
        to_first = first + rate * (repeated - first)
        to_again = again + np.float32(1.0 / AGAIN_SPAN) * (repeated - np.float32(0.5) - again)
        after = self.repeated[rows]
        self.repeats[rows] = np.stack([np.where(after, first, to_first), np.where(after, to_again, again)], 1)
        self.repeated[rows] = repeated

    def lengthen(self, rows: Rows, step: npt.NDArray[np.int64], moved: Floats, spread: Floats) -> None:
        """Learn how far values move from how far these lie from the last H origins (N, H), NaN where not known."""
        before = self.reach[rows]
        seen = np.maximum(step[:, None] - np.arange(before.shape[1]), 1)  # moves over so many steps so far
        weight = (1.0 / np.minimum(seen, REACH_SPAN)).astype(np.float32)
        far = np.minimum(ratio(np.abs(moved), spread[:, None]), np.float32(OUTLIER))
        self.reach[rows] = np.where(np.isnan(moved), before, before + weight * (far - before))

    def moved(self, rows: Rows, step: npt.NDArray[np.int64], value: Floats) -> tuple[Floats, Floats]:
        """How far these values lie from each of the last H origins (N, H), and the spreads of then; in these.

        NaN and 1 where there was no origin.
        """
        ahead = _Layout.of(self.size.shape[1]).ahead
        slot = (step[:, None] - ahead) % len(ahead)
        unit = self.origin_spread[rows[:, None], slot]
        there = (step[:, None] >= ahead) & (unit > 0)
        unit = np.where(there, unit, np.float32(1.0))
        moved = ratio(value[:, None] - self.origin_value[rows[:, None], slot], unit)
        return np.where(there, moved, np.float32(np.nan)), unit

    def convert(self, row: int, factor: float, step: int) -> None:
        """Take the last errors of a series to be in another unit, and learn sizes anew from this step on."""
        self.anew[row] = step
        for errors in (self.recent, self.absolute):
            errors[row] = np.minimum(errors[row].astype(np.float64) / abs(factor), LARGEST_PUBLISHED)

    def disown(self, row: int, since: int, length: int) -> None:
        """Let the forecasts made in these steps but the last not be scored."""
        made = np.arange(since, since + length - 1)[-self.origin_spread.shape[1] :]
        self.origin_spread[row, made % self.origin_spread.shape[1]] = 0.0

    def open(
        self,
        rows: Rows,
        step: npt.NDArray[np.int64],
        value: Floats,
        spread: Floats,
        moves: Floats,
        doubt: Floats | None = None,
    ) -> None:
        """Remember forecasts (N, H) made at these steps, to be scored as their horizons come.

        Parameters
        ----------
        value, spread : (N,)
            The ring's values at these steps, and the series' spreads.
        moves : (N, H)
            How far values will move.
        doubt : (N, H)
            How far what the experts say lies from that, as a standard deviation; None: there is one expert.
        """
        layout = _Layout.of(self.size.shape[1])
        each, unit = rows[:, None], spread[:, None]
        kept, slot = layout.place + step[:, None] % layout.ahead, step % len(layout.ahead)
        size = _or(self.size[rows], unit)
        restless = self._restlessness(rows, size[:, 0], spread)
        doubts = self._compared(rows, step, unit, np.zeros_like(moves) if doubt is None else doubt)
        width = self._stretch(rows, restless.astype(np.float32)[:, None], doubts * np.float32(1 / DOUBT_UNIT)) * size
        self.newest[rows] = moves
        self.width[rows] = np.clip(ratio(width, unit), SMALLEST_SIZE, MOST_HALF)
        self.moves[each, kept] = np.clip(ratio(moves, unit), -MOST_HALF, MOST_HALF)
        self.doubts[each, kept] = doubts
        self.restless[rows, slot] = restless
        of_edge = np.clip(ratio(size[:, layout.edge - 1], unit), SMALLEST_SIZE, MOST_HALF)
        shown = np.concatenate([of_edge[:, :, None], tracked(self.centre[rows], self.gaps[rows])], 2)
        self.shown[each, layout.edge_place + step[:, None] % layout.edge] = shown
        self.origin_value[rows, slot] = value
        self.origin_spread[rows, slot] = spread

    def _restlessness(self, rows: Rows, size: Floats, spread: Floats) -> npt.NDArray[np.float16]:
        """Logarithm of the last one-step errors over their mean size, (N,)."""
        recent = np.maximum(self.recent[rows], np.float32(SMALLEST_SIZE) * spread)
        restless = np.where(self.scored[rows] > 0, np.log(positive_ratio(recent, size)), np.float32(0.0))
        return np.clip(restless, -LARGEST_LOG, LARGEST_LOG).astype(np.float16)

    def _compared(self, rows: Rows, step: npt.NDArray[np.int64], unit: Floats, doubt: Floats) -> npt.NDArray[np.int8]:
        """Logarithm of doubt over the usual one, (N, H), which these move."""
        doubt = doubt + np.float32(SMALLEST_SIZE) * unit
        weight = np.maximum(1.0 / (step + 1), 1.0 / SPAN).astype(np.float32)[:, None]
        self.usual_doubt[rows] = usual = self.usual_doubt[rows] + weight * (doubt - self.usual_doubt[rows])
        compared = np.clip(np.log(positive_ratio(doubt, usual)), -LARGEST_LOG, LARGEST_LOG)
        whole: npt.NDArray[np.int8] = np.rint(compared * np.float32(DOUBT_UNIT)).astype(np.int8)
        return whole

    def reaches(self, rows: Rows, spread: Floats, age: npt.NDArray[np.int64], usual: Floats) -> Floats:
        """How far the values of these series move in up to 1..H steps, (N, H), never zero and never falling.

        It follows the spread of now. That it does not fall where a season comes round keeps the steps between in
        proportion. Until a series knows its own, it is taken to be the usual one of the grown series (H,), if any.
        """
        reach = self.reach[rows]
        seen = np.maximum(age[:, None] - np.arange(1, reach.shape[1] + 1), 0)
        borrowed = np.where(usual > 0, np.float32(BORROWED), np.float32(0.0))
        known = ((seen * reach + borrowed * usual) / np.maximum(seen + borrowed, 1)).astype(np.float32)
        in_spreads = np.where(known > 0, np.maximum(known, np.float32(1e-3)), np.float32(1.0))
        furthest: Floats = np.maximum.accumulate(in_spreads, 1) * spread[:, None]
        return furthest

    def quantiles(self, rows: Rows, spread: Floats, levels: tuple[float, ...]) -> npt.NDArray[np.float64]:
        """Quantiles of the error to come, (N, H, L), in order; of forecasts opened at these spreads (N,)."""
        scaled = at(levels, tracked(self.centre[rows], self.gaps[rows]))  # (N, G, L)
        of_horizons = np.take(scaled, _Layout.of(self.size.shape[1]).group, 1).astype(np.float64)
        width = self.width[rows].astype(np.float64) * spread[:, None]
        return width[:, :, None] * of_horizons


def _or(size: Floats, guess: Floats) -> Floats:
    """Sizes where there are some, else a guess."""
    sizes: Floats = np.where(size > 0, size, guess)
    return sizes


def _grouped(pull: Pulls, weight: Floats, start: npt.NDArray[np.int64]) -> Pulls:
    """Weighted sums over each group of horizons, (N, G, ...), of what is said of each horizon, (N, H, ...)."""
    each = weight[:, :, None, None]
    parts = weight * pull.centre, each * pull.gaps, each * pull.shares
    return Pulls(*(np.add.reduceat(part, start, 1) for part in parts))


def _outlyingness(error: Floats, rungs: Floats) -> Floats:
    """Share of absolute errors that are smaller than these (N,); rungs (N, R) beyond the normal ones.

    From rung to rung it is that of an exponential distribution, beyond the last one of a Pareto distribution.
    """
    rungs = np.sort(_normal_rungs() * np.exp(rungs), 1)
    below = np.concatenate([np.zeros_like(rungs[:, :1]), rungs[:, :-1]], 1)
    climbed = np.clip((error[:, None] - below) / np.maximum(rungs - below, np.float32(1e-9)), 0.0, 1.0)
    further = np.log(np.maximum(error / rungs[:, -1], np.float32(1.0)))
    outlyingness: Floats = -np.expm1(-(climbed * _hazards()).sum(1) - np.float32(TAIL) * further)
    return outlyingness


@cache
def _normal_rungs() -> Floats:
    """The rungs (R,) of normal errors whose mean absolute size is 1."""
    return normal_quantiles(tuple((1.0 + level) / 2 for level in RUNGS))


@cache
def _hazards() -> Floats:
    """How much the logarithm of the share of larger errors falls from each rung to the next, (R,)."""
    return np.diff(-np.log1p(-np.asarray(RUNGS, np.float32)), prepend=np.float32(0.0))
