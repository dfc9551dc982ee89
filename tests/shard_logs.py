"""Logs of events for a shard, and what it makes of them."""

import json
from itertools import pairwise

import numpy as np

from pipeline.fold import Publish
from pipeline.messages import Outgoing, Record, decode_forecast
from pipeline.settings import Events, Model, Settings
from pipeline.shard import Shard

HOUR = 3_600_000_000  # microseconds

SETTINGS = Settings(
    events=Events(timestamp_format="s"),
    model=Model(horizon=3, hidden_size=8, window=8, windows=4, replay=16, memory=128),
)


def event(offset: int, series: str, time: float, value: object) -> Record:
    body = json.dumps({"series": series, "timestamp": time, "value": value}).encode()
    return Record("events", 0, offset, -1, series.encode(), body)


def log(seed: int, length: int = 200) -> list[Record]:
    """A log with good events, bad records, late and repeated observations, nulls and holes in its offsets."""
    generator = np.random.default_rng(seed)
    offsets = np.cumsum(generator.integers(1, 3, length)).tolist()
    clock = np.cumsum(generator.integers(0, 3, length)).tolist()
    kinds = generator.choice(6, length, p=[0.8, 0.04, 0.04, 0.04, 0.04, 0.04]).tolist()
    return [
        _record(kind, offset, f"s{generator.integers(5)}", 3600 * (100 + time), float(generator.normal()))
        for kind, offset, time in zip(kinds, offsets, clock, strict=True)
    ]


def _record(kind: int, offset: int, series: str, time: int, value: float) -> Record:
    good = event(offset, series, time, value)
    bad = Record("events", 0, offset, -1, b"k", b"not json")
    late, null, word = (event(offset, series, *other) for other in ((3600 * 50, 1.0), (time, None), (time, "x")))
    return [good, bad, late, null, word, event(offset, "new" + str(offset), time, None)][kind]


def folded(shard: Shard, records: list[Record], cuts: list[int], publish: Publish = "every") -> list[Outgoing]:
    edges = [0, *sorted(min(cut, len(records)) for cut in cuts), len(records)]
    folds = [shard.fold(records[a:b], publish) for a, b in pairwise(edges)]
    return [out for fold in folds for out in (*fold.forecasts, *fold.dead_letters)]


def fresh() -> Shard:
    return Shard.fresh("events", 0, 0, SETTINGS)


def up_to(edge: int, forecasts: list[Outgoing]) -> list[bytes]:
    values = [out.value for out in forecasts if out.value is not None]
    return [value for value in values if decode_forecast(value).source.offset <= edge]


def one_of(generator: np.random.Generator, choices: tuple[object, ...]) -> object:
    return choices[int(generator.random() * len(choices))]
