"""A shard that forgets nothing."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec.structs import replace

from lstm_stream import Dump, Scores, Summaries
from pipeline.counts import Counts
from pipeline.dead_letters import Reject, dead_letter
from pipeline.fates import FORECAST, Fate, Fates
from pipeline.fingerprints import FingerprintError
from pipeline.fold import Fold, Publish
from pipeline.journal import Whole
from pipeline.measures import Measures
from pipeline.messages import Outgoing, Record
from pipeline.settings import Settings
from pipeline.shard import State
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import ExpertWeight, Gates, Ranking, ShardStatus
from pipeline.web.table import Table
from tests.shown import silent


class ChainShard:
    """Stands in for a shard: each forecast is a digest of the whole past, in its order.

    A record that is lost, repeated or out of order changes every forecast after it.
    """

    def __init__(self, topic: str, partition: int, next_offset: int, digest: str, fingerprint: str) -> None:
        self.topic, self.partition, self.next_offset = topic, partition, next_offset
        self._digest, self._fingerprint = digest, fingerprint
        self.watched = set[str]()

    @classmethod
    def fresh(cls, topic: str, partition: int, next_offset: int, settings: Settings) -> "ChainShard":
        return cls(topic, partition, next_offset, f"from {next_offset}", str(settings.model))

    @classmethod
    def load(
        cls,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
    ) -> "ChainShard":
        if header["fingerprint"] != str(settings.model):
            raise FingerprintError(f"made with {header['fingerprint']}, and not with {settings.model}")
        return cls(topic, partition, int(arrays["next_offset"]), str(header["digest"]), str(header["fingerprint"]))

    def dump(self) -> State:
        header: dict[str, object] = {"digest": self._digest, "fingerprint": self._fingerprint}
        return State(header, {"next_offset": np.asarray(self.next_offset)})

    def dump_in_parts(self) -> Dump:
        return Dump(*self.dump())

    def status(self) -> ShardStatus:
        return ShardStatus(
            series=1,
            learning_steps=self.next_offset,
            skipped_learning_steps=0,
            loss=0.0,
            gradient_norm=0.0,
            mae_model=0.5,
            mae_last_value=1.0,
            drifts=self.next_offset,
            breaks=self.next_offset,
            gates=Gates(forget=0.7, input=0.5, output=0.5),
            experts=(
                ExpertWeight(expert="lstm", needs_lstm=True, weight=0.5),
                ExpertWeight(expert="readout", needs_lstm=True, weight=0.25),
                ExpertWeight(expert="last_value", needs_lstm=False, weight=0.25),
            ),
        )

    def series(self) -> tuple[str, ...]:
        return (f"chain-{self.partition}",)

    def ranking(self, by: Ranking, count: int) -> list[tuple[float, str]]:
        return [(0.9 if by == "surprise" else 0.5, name) for name in self.series()[:count]]

    def series_status(self, name: str) -> SeriesStatus | None:
        if name not in self.series():
            return None
        return silent(name, self.topic, self.partition, self.next_offset)

    def table(self) -> Table:
        one, none = np.ones(1, np.int64), np.full(1, np.nan)
        return Table(
            self.series(), Summaries(one, one, none, none, none), np.ones(1, np.float32), np.ones(1, np.float32)
        )

    def sparkline(self, name: str, count: int) -> tuple[float | None, ...]:
        return (1.0, None)[:count] if name in self.series() else ()

    def watch(self, names: Collection[str]) -> None:
        self.watched = set(names)

    def track(self, name: str) -> tuple[Whole, ...]:
        assert name in self.series()
        return ()

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        forecasts: list[Outgoing] = []
        letters: list[Outgoing] = []
        reasons: dict[str, int] = {}
        for record in records:
            assert record.offset >= self.next_offset, f"{record.offset} came again"
            self.next_offset = record.offset + 1
            self._digest = hashlib.blake2b(f"{self._digest} {record.value!r}".encode(), digest_size=8).hexdigest()
            value = f"{self.partition}/{record.offset} {self._digest}".encode()
            if record.value is not None and record.value.startswith(b"bad"):
                letters.append(
                    dead_letter(replace(record, value=value + b" " + record.value), Reject("not_json", "bad"))
                )
                reasons["not_json"] = reasons.get("not_json", 0) + 1
            else:
                forecasts.append(Outgoing(record.key, value, ()))
        counts = Counts(len(records), len(forecasts), dead_letters=reasons)
        seconds = np.array([record.offset for record in records], np.int64)
        measures = Measures(seconds * 1_000_000, seconds * 1000, np.full(len(records), 0.5), Scores.zeros())
        fates = Fates(tuple(_fate(record) for record in records), (), 1)
        if publish == "none":
            return Fold([], [], counts, {}, fates=fates)
        return Fold(
            forecasts[-1:] if publish == "latest" else forecasts, letters, counts, {}, fates=fates, measures=measures
        )


def _fate(record: Record) -> Fate:
    is_bad = record.value is not None and record.value.startswith(b"bad")
    return Fate(record.offset, "not_json" if is_bad else FORECAST, "bad" if is_bad else "", scored=True)
