"""One data set, shown to one kind of bank."""

import time
from typing import Literal

import msgspec

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from lstm_stream.network import Network
from pipeline.evaluation.scoring import HORIZONS, Score, Scorer
from tests.benchmarks.ablations import Absent, Forgetful
from tests.benchmarks.quality.dataset import BATCH, name_of, read, show

HORIZON = HORIZONS[-1]
LEVEL = 0.9
"""Share of targets that the outermost default quantiles are meant to hold."""
Kind = Literal["default", "absent", "forgetful"]
NETWORKS: dict[Kind, type[Network]] = {"default": Network, "absent": Absent, "forgetful": Forgetful}


class Case(msgspec.Struct, frozen=True):
    """Which set, and which bank.

    Attributes
    ----------
    path
        Of the set's file.
    network
        Class of the network.
    effort
        Learning steps relative to the default schedule.
    groups
        Whether the series of one event inform each other.
    rows
        Rows of each series that are shown at most; None: all.
    """

    path: str
    network: Kind = "default"
    effort: float = 1.0
    groups: bool = True
    rows: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What came of a case: scores by horizon, microseconds of CPU an observation, and the LSTM's share, 0 to 1."""

    name: str
    scores: dict[int, Score]
    observations: int
    microseconds: float
    lstm_share: float = float("nan")


def run(case: Case) -> Outcome:
    """Show a set to a bank of its own."""
    data = read(case.path, case.rows)
    rules = Hyperparameters(
        horizon=HORIZON, step="event", max_gap=ANY_GAP, effort=case.effort, groups=data.grouped and case.groups
    )
    bank, scorer, seconds = Bank(rules, NETWORKS[case.network]), Scorer(data.came, HORIZONS, LEVEL), 0.0
    share = 0.0
    for batch in data.log.batches(BATCH):
        begin = time.process_time()
        forecasts = show(bank, batch)
        seconds += time.process_time() - begin
        share += float(forecasts.lstm_share.sum())
        scorer.add(batch.series, batch.rows, forecasts.mean, forecasts.quantiles)
    count = len(data.log.values)
    return Outcome(name_of(case.path), scorer.scores(), count, 1e6 * seconds / count, share / count)
