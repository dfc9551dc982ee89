"""A shard that this process holds, and what is known of it beside its state."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

import msgspec
import numpy.typing as npt

from lstm_stream import Dump
from pipeline.checkpoints import Address
from pipeline.fold import Fold, Publish
from pipeline.journal import Whole
from pipeline.messages import Record
from pipeline.settings import Settings
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import Ranking, ShardStatus
from pipeline.web.table import Table


class Foldable(Protocol):
    """What the worker needs of a shard."""

    next_offset: int

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold: ...
    def dump_in_parts(self) -> Dump: ...
    def status(self) -> ShardStatus: ...
    def series(self) -> tuple[str, ...]: ...
    def ranking(self, by: Ranking, count: int) -> list[tuple[float, str]]: ...
    def series_status(self, name: str) -> SeriesStatus | None: ...
    def table(self) -> Table: ...
    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]: ...
    def watch(self, names: Collection[str]) -> None: ...
    def track(self, name: str) -> tuple[Whole, ...]: ...


class Shards(Protocol):
    """Where shards come from: the class `Shard`, or one that stands in for it."""

    def fresh(self, topic: str, partition: int, next_offset: int, settings: Settings) -> Foldable: ...
    def load(
        self,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
    ) -> Foldable: ...


class Held(msgspec.Struct):
    """A shard in this process' hands.

    Attributes
    ----------
    shard
        The state.
    address
        Of its checkpoints.
    committed
        The group's committed offset: what comes of records before it is out already.
    saved, saved_at
        Offset of its newest checkpoint, None if it has none; and when that was last true, or the opening, seconds.
    opened_at
        When it was opened, seconds.
    end
        Where its log ended when it was opened, None while not known.
    caught_up
        Whether that end has been reached.
    read_at
        Kafka's time of the last record that was folded, seconds since the epoch; None while not known.
    """

    shard: Foldable
    address: Address
    committed: int
    saved: int | None
    saved_at: float
    opened_at: float = 0.0
    end: int | None = None
    caught_up: bool = False
    read_at: float | None = None

    def note_time(self, records: Sequence[Record]) -> None:
        """Take the time of the last of these records, if it has one."""
        if records and records[-1].timestamp >= 0:
            self.read_at = records[-1].timestamp / 1000
