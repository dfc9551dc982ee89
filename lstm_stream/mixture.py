"""How much each expert has to say, by how wrong it was of late.

Letters: S series, N rows of a round, E experts, K scored horizons, H horizons, O open forecasts of a series.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream.columns import Columns, Rows
from lstm_stream.intervals import MOST_HALF
from lstm_stream.network import Floats

SCORED = (1, 2, 5, 9, 15, 22, 45, 93, 185)
"""Horizons at which errors are kept; none is a multiple of a usual season (4, 6, 7, 8, 12, 24). At whole seasons ahead
last value is right, and horizons between must not be taken for these."""
LOSS_SPAN = (500.0, 10.0)
"""Memory of squared errors in steps, and what each step of the horizon adds: errors further ahead overlap more."""
SLOPE_SPAN = (100.0, 20.0)
"""The same of the slopes."""
RATE = (16.0, -0.35)
"""How much of its weight (as a power of e) an expert loses whose errors are twice as much like the mixture's, and the
power of the horizon that this goes by: slopes further ahead are less sure."""
PATIENCE = 20.0
"""Errors of its own that a series' experts must have had until these count as much as those of the other series; in
logarithms, as one series may be much easier to foresee than the others."""
LARGEST_ERROR = 10.0
"""In reaches; an error further than this counts as this."""
LARGEST_MOVE = 10.0
"""In reaches; no expert that fits something or repeats what was may say more."""
LARGEST_FREE_MOVE = 60.0
"""In reaches; nor may those that go on from the last values alone, whose moves are as large as these."""
POWER = (4.0, 0.15)
"""Of the inverse loss, and the power of the horizon that this goes by."""
TRUST = (40.0, 2.0)
"""Power of the loss of the first expert over the mixture's that the mixture has to show, and its handicap: it is left
to the first where it is not better."""
ALARMED = 0.3
"""What a full alarm leaves of the memory of squared errors."""
FLAT = 2.0
"""Squared errors of the mixture, in reaches, until which slopes count for little."""
EVEN = np.ones((1, 1), np.float32)
"""Losses (E, K) of experts of which nothing is known."""
NO_GAIN = np.zeros(1, np.float32)
TINY = 1e-6


def scored_horizons(horizon: int) -> tuple[int, ...]:
    """The horizons up to the longest at which errors are kept."""
    return tuple(scored for scored in SCORED if scored <= horizon)


@dataclass
class Mixture(Columns):
    """Discounted squared errors of each expert of each series at a few horizons, and the weights that follow.

    A weight is the loss to the power of -4, further ahead of more: near enough to picking the best, and still the
    mean of those as good (Bates and Granger 1969, "The combination of forecasts"; Stock and Watson 2004 discount past
    errors, with powers of -1 and -2). Then an expert gains that errs where the mixture does not, and one loses that
    errs as it does: by a step of exponentiated gradient (Kivinen and Warmuth 1997; Gaillard, Stoltz and van Erven 2014
    on why the slope of the mixture's loss rather than an expert's own finds the best combination). Scored horizons
    share half of their evidence with their neighbours; between two of them weights are interpolated over the logarithm
    of the horizon. Where all this is no better than the first expert alone, as for prices, the first has it all:
    weights that follow noise cost some per cent (Timmermann 2006, "Forecast combinations"). Between two scored horizons
    it has what it has at the one where it has less: a whole season ahead it is right, and just before that it is not.
    """

    open: npt.NDArray[np.float16]  # (S, E, O) moves in spreads; of horizon k and step t at (those before) + t % k
    loss: Floats  # (S, E, K) sum of squared errors, in reaches
    mass: Floats  # (S, E, K) their number
    slope: Floats  # (S, E, K) sum of the mixture's error times how much further the expert's lies out
    own: Floats  # (S, K) sum of the mixture's squared errors
    first: Floats  # (S, K) sum of the first expert's
    lstm_share: Floats  # (S,) of the newest forecast

    @classmethod
    def empty(cls, experts: int, horizon: int) -> "Mixture":
        """The mixture of no series."""
        scored = scored_horizons(horizon)
        return cls(
            open=np.zeros((0, experts, sum(scored)), np.float16),
            loss=np.zeros((0, experts, len(scored)), np.float32),
            mass=np.zeros((0, experts, len(scored)), np.float32),
            slope=np.zeros((0, experts, len(scored)), np.float32),
            own=np.zeros((0, len(scored)), np.float32),
            first=np.zeros((0, len(scored)), np.float32),
            lstm_share=np.zeros(0, np.float32),
        )

    def score(self, rows: Rows, step: npt.NDArray[np.int64], moved: Floats, unit: Floats, alarm: float = 0.0) -> Floats:
        """Squared errors (N, E, K) of what was said of these steps, NaN where nothing was.

        Parameters
        ----------
        moved : (N, H)
            How far the value lies from where it was so many steps before, in spreads of then; NaN: not known.
        unit : (N, H)
            A reach, in the same spreads.
        alarm
            0 to 1: how much has changed of late; the more, the shorter the memory.
        """
        scored, slot = _slots(step, moved.shape[1])
        moved, unit = moved[:, scored - 1], unit[:, scored - 1]
        told = self.open[rows[:, None], :, slot].astype(np.float32)  # (N, K, E)
        error = np.clip((moved[:, :, None] - told) / unit[:, :, None], -LARGEST_ERROR, LARGEST_ERROR)
        error = np.ascontiguousarray(error.transpose(0, 2, 1))
        squared: Floats = error * error
        there = ~np.isnan(error)
        came = there.any(1, keepdims=True)
        self._lean(rows, scored, np.where(there, error, np.float32(0.0)), there, came)
        faded = _faded(came, LOSS_SPAN, scored, alarm)
        self.loss[rows] = faded * self.loss[rows] + np.where(there, squared, np.float32(0.0))
        self.mass[rows] = faded * self.mass[rows] + there
        return squared

    def _lean(
        self,
        rows: Rows,
        scored: npt.NDArray[np.int64],
        error: Floats,
        there: npt.NDArray[np.bool_],
        came: npt.NDArray[np.bool_],
    ) -> None:
        """Learn from errors (N, E, K) which experts would have made up for those of the mixture as it is now."""
        weights = _shares(self._badness(rows, EVEN, scored), there)
        mixed = (weights * error).sum(1, keepdims=True)  # (N, 1, K)
        faded = _faded(came, SLOPE_SPAN, scored, 0.0)
        steeper = np.where(there, mixed * (error - mixed), np.float32(0.0))
        self.slope[rows] = faded * self.slope[rows] + steeper
        self.own[rows] = faded[:, 0] * self.own[rows] + mixed[:, 0] * mixed[:, 0]
        self.first[rows] = faded[:, 0] * self.first[rows] + error[:, 0] * error[:, 0]

    def _badness(self, rows: Rows, prior: Floats, scored: npt.NDArray[np.int64]) -> Floats:
        """By how many powers of e the weight (N, E, K) of each expert is less."""
        mass = self.mass[rows]
        own = (self.loss[rows] + np.float32(TINY)) / (mass + np.float32(TINY))
        doubt = np.float32(PATIENCE) / (mass + np.float32(PATIENCE))
        loss = (1.0 - doubt) * np.log(own) + doubt * np.log(prior + np.float32(TINY))
        slope = np.clip(self.slope[rows] / (self.own[rows] + np.float32(FLAT))[:, None], -1.0, 1.0)
        badness: Floats = _raised(POWER, scored) * loss + _raised(RATE, scored) * slope
        beside = np.concatenate([badness[:, :, :1], badness, badness[:, :, -1:]], 2)
        shared: Floats = np.float32(0.5) * badness + np.float32(0.25) * (beside[:, :, :-2] + beside[:, :, 2:])
        return shared

    def standing(self, rows: Rows, prior: Floats, horizon: int, gain: Floats = NO_GAIN) -> "Standing":
        """How the experts of these series stand.

        Parameters
        ----------
        prior : (E, K)
            Losses that are known of them in general.
        gain : (K,)
            As `gains`, in general.
        """
        scored = np.asarray(scored_horizons(horizon))
        return Standing(self._badness(rows, prior, scored), self._trust(rows, gain), horizon)

    def gains(self, rows: Rows) -> Floats:
        """Logarithm of how many times as large the first expert's loss is as the mixture's, (N, K)."""
        gains: Floats = np.log((self.first[rows] + np.float32(FLAT)) / (self.own[rows] + np.float32(FLAT)))
        return gains

    def _trust(self, rows: Rows, gain: Floats) -> Floats:
        """How much of the weights is not left to the first expert, (N, K)."""
        power, handicap = TRUST
        doubt = np.float32(PATIENCE) / (self.mass[rows, 0] + np.float32(PATIENCE))
        gains = np.float32(power) * ((1.0 - doubt) * self.gains(rows) + doubt * gain)
        trust: Floats = 1.0 / (1.0 + np.exp(np.clip(np.float32(handicap) - gains, -30.0, 30.0)))
        return trust

    def doubt(self, rows: Rows) -> None:
        """Forget how wrong the experts of these series were."""
        for sums in (self.loss, self.mass, self.slope, self.own, self.first):
            sums[rows] = 0.0

    def put(self, rows: Rows, step: npt.NDArray[np.int64], moves: Floats) -> None:
        """Remember what the experts say (N, E, H), in spreads, to be scored when it comes."""
        scored, slot = _slots(step, moves.shape[2])
        said = np.clip(moves[:, :, scored - 1], -MOST_HALF, MOST_HALF).astype(np.float16)
        self.open[rows[:, None], :, slot] = said.transpose(0, 2, 1)


class Standing(NamedTuple):
    """How some series' experts stand, whoever of them has something to say."""

    badness: Floats  # (N, E, K) powers of e by which a weight is less
    trust: Floats  # (N, K) what is not left to the first expert
    horizon: int

    def weights(self, there: npt.NDArray[np.bool_]) -> Floats:
        """Weights (N, E, H) of the experts that are there (N, E)."""
        weights = _shares(self.badness, there[:, :, None])
        lower, upper, part = _between(self.horizon)
        below, above = np.take(weights, lower, 2), np.take(weights, upper, 2)  # by an index they'd not lie row by row
        mixed: Floats = below + part * (above - below)
        at_lower, at_upper = np.take(self.trust, lower, 1), np.take(self.trust, upper, 1)
        trust = np.where(part < 1, np.maximum(at_lower, at_upper), at_upper)  # (N, H)
        trust = np.where(there[:, :1], trust, np.float32(1.0))
        mixed *= trust[:, None]
        mixed[:, 0] += np.where(there.any(1, keepdims=True), np.float32(1.0) - trust, np.float32(0.0))
        return mixed


def _shares(badness: Floats, there: npt.NDArray[np.bool_]) -> Floats:
    """Weights (N, E, K) that add up to 1 over the experts that are there; 0 where none is."""
    least = np.where(there, badness, np.float32(np.inf)).min(1, keepdims=True)
    weights: Floats = np.where(there, np.exp(np.minimum(least - badness, np.float32(0.0))), np.float32(0.0))
    weights /= np.maximum(weights.sum(1, keepdims=True), np.float32(TINY))
    return weights


def _faded(
    came: npt.NDArray[np.bool_], span: tuple[float, float], scored: npt.NDArray[np.int64], alarm: float
) -> Floats:
    """What is left (N, 1, K) of sums over the last steps where something came."""
    first, more = span
    faded: Floats = np.where(came, 1.0 - 1.0 / ((first + more * scored) * ALARMED**alarm), 1.0).astype(np.float32)
    return faded


def _raised(rule: tuple[float, float], scored: npt.NDArray[np.int64]) -> Floats:
    """A number (K,) at horizon 1, and by what power of the horizon it goes."""
    first, power = rule
    raised: Floats = (first * scored.astype(np.float64) ** power).astype(np.float32)
    return raised


def _slots(step: npt.NDArray[np.int64], horizon: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The scored horizons (K,), and where what was said of these steps lies, and goes (N, K)."""
    scored = np.asarray(scored_horizons(horizon))
    return scored, np.cumsum(scored) - scored + step[:, None] % scored


def _between(horizon: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """The scored horizons (H,) below and above each horizon, by index, and how far it lies between, at most 1."""
    scored = np.asarray(scored_horizons(horizon))
    ahead = np.arange(1, horizon + 1)
    upper = np.minimum(np.searchsorted(scored, ahead), len(scored) - 1)
    lower = np.maximum(upper - 1, 0)
    width = np.log(scored[upper] / scored[lower])
    part = np.where(width > 0, np.log(ahead / scored[lower]) / np.where(width > 0, width, 1.0), 0.0)
    return lower, upper, np.minimum(part, 1.0).astype(np.float32)
