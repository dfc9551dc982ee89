"""Where the shards of a daemon come from: all of them have the same weights of the pretrained network."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

from lstm_stream import PretrainedWeights
from pipeline.settings import Settings
from pipeline.shard import Shard


class PretrainedShards(NamedTuple):
    """Makes shards whose pretrained network has these weights; None: those of the package."""

    weights: PretrainedWeights | None

    def fresh(self, topic: str, partition: int, next_offset: int, settings: Settings) -> Shard:
        """A shard that has seen nothing yet."""
        return Shard.fresh(topic, partition, next_offset, settings, self.weights)

    def load(
        self,
        topic: str,
        partition: int,
        header: Mapping[str, object],
        arrays: Mapping[str, npt.NDArray[Any]],
        settings: Settings,
    ) -> Shard:
        """The shard of a dump; raises `FingerprintError` as `Shard.load`."""
        return Shard.load(topic, partition, header, arrays, settings, self.weights)
