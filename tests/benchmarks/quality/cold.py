"""The first hundred and fifty values of a series that is alone: a cold start.

Letters: N rows, H horizons.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from lstm_stream import ANY_GAP, Bank, Hyperparameters
from lstm_stream.network import Network
from pipeline.evaluation.scoring import HORIZONS
from tests.benchmarks.ablations import Forgetful
from tests.benchmarks.quality.dataset import name_of, read
from tests.benchmarks.quality.markdown import by_set
from tests.benchmarks.quality.workers import Start

FIRST, END = 10, 150
"""Rows that are scored: targets lie in them."""
MOST = 12
"""Series of a set that are shown, drawn by a fixed seed."""
LONGEST = HORIZONS[-1]


class Cold(msgspec.Struct, frozen=True):
    """Squared errors over those of a bank without the pretrained network, by set and horizon."""

    with_it: dict[str, dict[int, float]]
    without_state: dict[str, dict[int, float]]

    def markdown(self) -> str:
        """The means and each ratio."""
        return (
            f"With the pretrained network ({_means(self.with_it)}):\n\n{by_set(self.with_it)}\n\n"
            f"With networks that carry no state ({_means(self.without_state)}):\n\n{by_set(self.without_state)}"
        )


def cold(paths: Sequence[str], start: Start) -> Cold:
    """Show each of some series of every set to a bank of its own: one as by default, and two that lack something."""
    kinds: list[list[dict[int, float]]] = []
    for rules, network in ((True, Network), (True, Forgetful), (False, Network)):
        running = [start(_errors, (path, rules, network)) for path in paths]
        kinds.append([future.result() for future in running])
    default, forgetful, plain = kinds
    names = [name_of(path) for path in paths]
    return Cold(_over(names, default, plain), _over(names, forgetful, plain))


def _errors(case: tuple[str, bool, type[Network]]) -> dict[int, float]:
    """Mean squared errors of steps 1 to H, in variances of the series."""
    path, pretrained, network = case
    log = read(path, END).log
    chosen = np.random.default_rng(0).permutation(len(log.names))[:MOST]
    found: dict[int, list[float]] = {horizon: [] for horizon in HORIZONS}
    for index in chosen:
        at = np.flatnonzero(log.series == index)
        values, rules = (
            log.values[at],
            Hyperparameters(horizon=LONGEST, step="event", max_gap=ANY_GAP, pretrained=pretrained),
        )
        variance = float(np.nanvar(values))
        if len(at) < END or not variance:
            continue
        means = Bank(rules, network).observe(["a"] * len(at), log.times[at], values).mean
        for horizon in HORIZONS:
            origins = np.arange(FIRST, END - horizon)
            came = values[origins[:, None] + np.arange(1, horizon + 1)]
            found[horizon].append(float(np.nanmean((means[origins, :horizon] - came) ** 2)) / variance)
    return {horizon: float(np.mean(errors)) for horizon, errors in found.items()}


def _over(
    names: Sequence[str], ours: Sequence[dict[int, float]], theirs: Sequence[dict[int, float]]
) -> dict[str, dict[int, float]]:
    return {
        name: {horizon: mine[horizon] / their[horizon] for horizon in mine}
        for name, mine, their in zip(names, ours, theirs, strict=True)
    }


def _means(ratios: dict[str, dict[int, float]]) -> str:
    """The geometric means by horizon."""
    means = [float(np.exp(np.mean([np.log(one[horizon]) for one in ratios.values()]))) for horizon in HORIZONS]
    return " / ".join(f"{mean:.2f}" for mean in means)
