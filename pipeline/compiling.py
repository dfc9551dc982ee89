"""The model's code, compiled before it is needed, once for all processes that share a folder of compiled code."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.code_cache import CodeCache, alone
from pipeline.hyperparameters import hyperparameters
from pipeline.settings import Settings

STEPS = 48
"""Of each series; more than the model needs until it has used all of its code."""
SERIES = 3
HOUR = 3_600_000_000  # microseconds
SECONDS = 40
"""Of CPU that compiling takes, about."""


class Compiled(NamedTuple):
    """What there was to do: whether the code was there already, and the seconds that it took."""

    was_there: bool
    seconds: float


def compile_model(
    cache: CodeCache, settings: Settings, say: Callable[[str], object], now: Callable[[], float] = time.monotonic
) -> Compiled:
    """See to it that the model's code is compiled, and say so where that takes a while.

    Parameters
    ----------
    cache
        Where it is kept.
    settings
        Of the model.
    say
        Told a line for the operator.
    now
        The clock, in seconds.
    """
    started = now()
    if cache.remark:
        say(cache.remark)
    if cache.is_complete():
        return Compiled(True, 0.0)
    with alone(cache, say):
        if cache.is_complete():
            return Compiled(True, now() - started)
        how_often = "once" if cache.folder is not None else "at each start"
        say(f"compiling the model {how_often}, about {SECONDS} s of CPU; `lstm-stream compile` does it ahead")
        use_all(settings)
        cache.complete()
    return Compiled(False, now() - started)


def use_all(settings: Settings) -> None:
    """Let a bank with these settings do all that is ever asked of one: each part is compiled when it is first used."""
    from lstm_stream import Bank, LiveScores, timeline  # takes seconds, for nothing where the code is there

    rules = hyperparameters(settings)
    count = STEPS * SERIES
    series = [f"series-{index % SERIES}" for index in range(count)]
    times = np.arange(count) // SERIES * HOUR
    values = np.sin(np.arange(count, dtype=np.float64))
    timeline(series, times, values, rules)
    bank = Bank(rules)
    forecasts = bank.observe(series, times, values)
    LiveScores(settings.model.horizon).score(np.arange(count) % SERIES, times, values, forecasts)
    bank.forecast(series[:1])
    bank.diagnostics.gates()
    bank.diagnostics.errors()
    bank.diagnostics.expert_weights()
    Bank.load(*bank.dump()).observe(series[:1], times[-1:] + HOUR, values[:1])
