"""What holds for any series in any state: a forecast for each observation that is one, finite and in order."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lstm_stream import Bank, Forecasts, Outcome
from tests.odd_series import Log, Odd

MAY_BE_NAN = {"pooled.losses", "pooled.errors", "drift.left"}
"""Where NaN stands for what nobody said, or what has not come."""


class Run(NamedTuple):
    """A log gone through."""

    bank: Bank
    rows: list[bytes]  # each observation's forecast
    outcomes: Counter[str]
    problems: list[str]


@contextmanager
def numpy_warnings_raise() -> Iterator[None]:
    """Any overflow, division by zero or invalid operation is an error; what is too small may count as zero."""
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error", RuntimeWarning)
        yield


def run(case: Odd, cuts: Iterable[int] = (), restored_at: int | None = None, bytes_kept: bool = True) -> Run:
    """Show a case's log to a new bank in parts that end with an event, and look at all that comes out.

    Parameters
    ----------
    cuts
        Where the parts begin; moved back to where an event does.
    restored_at
        Which of the parts is shown to a bank that was dumped and loaded before it.
    bytes_kept
        Whether to hand back each forecast; of very many that takes long.
    """
    bank, rows, outcomes, problems = Bank(case.rules), [], Counter[str](), []
    for number, (begin, end) in enumerate(pairwise(edges(case.log, cuts))):
        bank = Bank.load(*bank.dump()) if number == restored_at else bank
        part = case.log.part(begin, end)
        with numpy_warnings_raise():
            forecasts = bank.observe(
                part.series, part.times, part.values, events=part.events, covariates=part.covariates
            )
        problems += [f"{fault.stage} of {fault.series}: {fault.trace}" for fault in bank.faults]
        problems += found_in(forecasts)
        outcomes.update(Outcome(code).name for code in forecasts.outcome.tolist())
        rows += as_bytes(forecasts) if bytes_kept else []
    with numpy_warnings_raise():
        problems += found_in_state(bank)
    return Run(bank, rows, outcomes, problems)


def edges(log: Log, cuts: Iterable[int]) -> list[int]:
    """Where parts begin and end: all at the first observation of an event."""
    moved = (int(np.searchsorted(log.events, log.events[cut])) for cut in cuts if cut < len(log.series))
    return sorted({0, *moved, len(log.series)})


def found_in(forecasts: Forecasts) -> list[str]:
    """What is wrong with forecasts."""
    made = forecasts.take(np.flatnonzero(forecasts.outcome == Outcome.FORECAST))
    surprise = made.surprise[~np.isnan(made.surprise)]
    laws = {
        "the mean is finite": np.isfinite(made.mean),
        "quantiles are finite": np.isfinite(made.quantiles),
        "quantiles are in order": np.diff(made.quantiles, axis=2) >= 0,
        "the scale is finite and not negative": np.isfinite(made.scale) & (made.scale >= 0),
        "a surprise lies between 0 and 1": (surprise >= 0) & (surprise <= 1),
        "the share of the LSTM lies between 0 and 1": (made.lstm_share >= 0) & (made.lstm_share <= 1 + 1e-5),
        "each observation came to something": np.isin(forecasts.outcome, [outcome.value for outcome in Outcome]),
    }
    return _broken(laws)


def found_in_state(bank: Bank) -> list[str]:
    """What is wrong with what a bank keeps, and with what can be asked of it."""
    kept = {f"{name} is finite": np.isfinite(array) for name, array in _floats(bank) if name not in MAY_BE_NAN}
    answers = [*bank.diagnostics.errors(), *bank.diagnostics.gates(), *bank.diagnostics.expert_weights().tolist()]
    return _broken(kept | {"answers are finite": np.isfinite(answers)})


def _floats(bank: Bank) -> Iterator[tuple[str, npt.NDArray[np.floating]]]:
    for name, array in bank.dump()[1].items():
        if np.issubdtype(array.dtype, np.floating):
            yield name, array


def _broken(laws: dict[str, npt.NDArray[np.bool_]]) -> list[str]:
    return [
        f"not so: {law} ({np.count_nonzero(~holds)} of {holds.size})" for law, holds in laws.items() if not holds.all()
    ]


def as_bytes(forecasts: Forecasts) -> list[bytes]:
    """Each observation's forecast as bytes."""
    columns: Sequence[npt.NDArray[np.generic]] = forecasts
    return [b"".join(np.asarray(column[i]).tobytes() for column in columns) for i in range(len(forecasts.origin))]
