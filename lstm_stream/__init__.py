"""A stateful LSTM that forecasts many time series and learns from each observation as it arrives.

What is named here is imported when it is first used: torch, the compiler and river take seconds, and who reads events
or prints a help text needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lstm_stream.bank import Bank
    from lstm_stream.diagnostics import Diagnostics, GateHistory, Summaries
    from lstm_stream.dumping import Block, Dump, Shape
    from lstm_stream.experts import OF_THE_LSTM, Expert
    from lstm_stream.faults import Fault
    from lstm_stream.forecaster import LSTMForecaster
    from lstm_stream.forecasts import ExpertForecasts, Forecasts
    from lstm_stream.grid import Outcome
    from lstm_stream.header import DumpError, check_format
    from lstm_stream.hyperparameters import ANY_GAP, Bound, Hyperparameters
    from lstm_stream.live_scores import LiveScores, Scores, buckets
    from lstm_stream.observations import Observation
    from lstm_stream.pretraining.examples import Examples, Stretch, examples_of, make_examples
    from lstm_stream.pretraining.stretches import FEWEST_ROWS, Course, Split, held_back, trained
    from lstm_stream.pretraining.training import HeldBackLosses, Training, held_back_losses, is_device, loss_on
    from lstm_stream.timelines import Timeline, timeline
    from lstm_stream.weights import Card, PretrainedWeights, WeightsError, packaged

__all__ = [
    "ANY_GAP",
    "FEWEST_ROWS",
    "OF_THE_LSTM",
    "Bank",
    "Block",
    "Bound",
    "Card",
    "Course",
    "Diagnostics",
    "Dump",
    "DumpError",
    "Examples",
    "Expert",
    "ExpertForecasts",
    "Fault",
    "Forecasts",
    "GateHistory",
    "HeldBackLosses",
    "Hyperparameters",
    "LSTMForecaster",
    "LiveScores",
    "Observation",
    "Outcome",
    "PretrainedWeights",
    "Scores",
    "Shape",
    "Split",
    "Stretch",
    "Summaries",
    "Timeline",
    "Training",
    "WeightsError",
    "buckets",
    "check_format",
    "examples_of",
    "held_back",
    "held_back_losses",
    "is_device",
    "loss_on",
    "make_examples",
    "packaged",
    "timeline",
    "trained",
]

_HOMES = {
    "bank": ("Bank",),
    "diagnostics": ("Diagnostics", "GateHistory", "Summaries"),
    "dumping": ("Block", "Dump", "Shape"),
    "experts": ("OF_THE_LSTM", "Expert"),
    "faults": ("Fault",),
    "forecaster": ("LSTMForecaster",),
    "forecasts": ("Forecasts", "ExpertForecasts"),
    "grid": ("Outcome",),
    "header": ("DumpError", "check_format"),
    "hyperparameters": ("ANY_GAP", "Bound", "Hyperparameters"),
    "live_scores": ("LiveScores", "Scores", "buckets"),
    "observations": ("Observation",),
    "pretraining.examples": ("Examples", "Stretch", "examples_of", "make_examples"),
    "pretraining.stretches": ("FEWEST_ROWS", "Course", "Split", "held_back", "trained"),
    "pretraining.training": ("HeldBackLosses", "Training", "held_back_losses", "is_device", "loss_on"),
    "timelines": ("Timeline", "timeline"),
    "weights": ("Card", "PretrainedWeights", "WeightsError", "packaged"),
}
_HOME_OF = {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
