"""Every choice that shapes the model and its state."""

from dataclasses import dataclass
from typing import Literal

ANY_GAP = 2**62
"""As `max_gap`, with events as steps: each is the next one of its series, whatever its time."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """Which bounds the series have whose names match a pattern.

    Parameters
    ----------
    pattern
        Of names: ``*`` stands for any letters, ``?`` for one, ``[ab]`` for one of these.
    floor, cap
        None: there is none.
    recognise
        Whether the values tell: series of whole numbers of which none was negative, as counts, and those that lie at 0
        again and again and never below, get the floor 0; those that besides lie at 100 again and again and never above,
        as percentages, the cap 100. A value outside ends that.
    """

    pattern: str
    floor: float | None = None
    cap: float | None = None
    recognise: bool = False


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What a bank is built from; two banks with the same ones have states of the same shape.

    Parameters
    ----------
    horizon
        Steps ahead that are forecast, H.
    quantiles
        Levels of the forecast's quantiles, increasing, between 0 and 1.
    hidden_size
        Units of the LSTM.
    pretrained
        Whether a second LSTM, which was trained beforehand and does not learn, has a say.
    window
        Steps of truncated back-propagation through time.
    windows
        Windows that one learning step sees: a quarter of them the newest, the others replayed.
    effort
        Learning steps relative to the default schedule.
    learning_rate
        Adam's.
    replay
        Windows that are kept for replay.
    memory
        Latest values kept of each series; a season longer than this is given up.
    covariates
        Numbers known with each observation, C.
    groups
        Whether series that arrive in the same event inform each other.
    step
        Seconds between two values of a series, ``"infer"`` (the median of a series' first gaps), or ``"event"``:
        every event is the next step, whatever its time.
    max_gap
        Missing steps that are filled. A time further ahead is held to be wrong until the next observation agrees with
        it; then the series starts again there (see `Grid`).
    restart_after
        Late observations in a row after which a series starts again.
    bounds
        Floors and caps of series by their names; the first that matches holds.
    seed
        Of the initial weights and of the draws of replayed windows.

    Raises
    ------
    ValueError
        `memory` does not hold a window and the values that it is to foresee.
    """

    horizon: int = 24
    quantiles: tuple[float, ...] = (0.05, 0.5, 0.95)
    hidden_size: int = 64
    pretrained: bool = True
    window: int = 48
    windows: int = 16
    effort: float = 1.0
    learning_rate: float = 5e-3
    replay: int = 1024
    memory: int = 2048
    covariates: int = 0
    groups: bool = False
    step: Literal["infer", "event"] | float = "infer"
    max_gap: int = 168
    restart_after: int = 100
    bounds: tuple[Bound, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.memory < self.window + self.horizon:
            raise ValueError(
                f"memory={self.memory} values are too few for window={self.window} and horizon={self.horizon}: "
                f"let memory be at least {self.window + self.horizon}"
            )
