"""The series of a bank: each has a name, and a row in every column of what is kept of it.

Letters: S series, N observations of a call.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
import numpy as np

from lstm_stream.anomaly import start_again
from lstm_stream.arithmetic import Wholes
from lstm_stream.bounds import give
from lstm_stream.columns import Array, Columns, adopted, clear, grown, named, over, room_for, under
from lstm_stream.hyperparameters import Hyperparameters
from lstm_stream.series import Series
from lstm_stream.state import State


class Rows:
    """Rows by the names of their series, in the order in which these were first observed.

    Parameters
    ----------
    features
        How many the network reads.
    carried
        Units of the pretrained network, 0 without it.
    """

    def __init__(self, rules: Hyperparameters, features: int, carried: int) -> None:
        self.names: dict[str, int] = {}
        self._bounds = rules.bounds
        self.state = State.empty(rules, features, carried)
        self.series = Series.empty(rules.covariates)

    def of(self, series: Sequence[str]) -> Wholes:
        """The rows (N,) of some series; one that is new is given the next row."""
        known = len(self.names)
        rows = np.fromiter((self.names.setdefault(name, len(self.names)) for name in series), np.int64, len(series))
        if len(self.names) > known:
            self._welcome(list(self.names)[known:])
        return rows

    def _welcome(self, names: list[str]) -> None:
        count, room = len(self.names), len(self.series.identity)
        if count > room:
            self._grow(room_for(count, room))
        self.series.identity[count - len(names) : count] = [_identity(name) for name in names]
        for i, name in enumerate(names, count - len(names)):
            give(self.series.bounds, i, name, self._bounds)

    def _grow(self, capacity: int) -> None:
        parts: Any = [grown(part, capacity) for part in self.state]
        self.state = State(*parts)
        self.series = self.series.grown(capacity)

    def start_again(self, i: int) -> None:
        """Forget a series, but for how large its errors were."""
        start_again(self.state.errors, i, 1.0 + float(self.state.history.factor_less_one[i]))
        for part in self.state:
            if part is not self.state.errors:
                clear(part, i)

    def forget(self, i: int) -> None:
        """Forget all of a series' model."""
        for part in self.state:
            clear(part, i)

    def columns(self) -> dict[str, Columns]:
        """What is kept of each series, by name."""
        series = self.series
        beside: dict[str, Columns] = {
            "grid": series.grid,
            "membership": series.membership,
            "covariates": series.covariates,
            "bounds": series.bounds,
        }
        return beside | self.state._asdict()

    def by_name(self) -> dict[str, Array]:
        """The columns as a dump calls them; no copy."""
        columns: dict[str, Array] = {}
        for part, some in self.columns().items():
            columns |= over(part, named(some))
        return columns

    def dump(self, seen: int) -> dict[str, Array]:
        """What a dump has beside the columns: the names, and the first so many of the latest rows; a copy."""
        names = np.frombuffer(msgspec.json.encode(list(self.names)), np.uint8)
        return {"names": names, "latest": self.series.latest[:seen].copy()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Take over the columns of a dump."""
        names = msgspec.json.decode(arrays["names"].tobytes(), type=list[str])
        self.names = {name: row for row, name in enumerate(names)}
        self._grow(len(names))
        self.series.identity[:] = [_identity(name) for name in names]
        parts: Any = {part: adopted(columns, under(part, arrays)) for part, columns in self.columns().items()}
        self.state = State(**{part: parts.pop(part) for part in State._fields})
        self.series = self.series._replace(**parts)
        latest = arrays["latest"]
        self.series.latest[: len(latest)], self.series.lately[latest] = latest, True


def _identity(name: str) -> int:
    """A number for a series that depends on its name alone."""
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest())
