"""What a worker shows, made by hand."""

import threading

import numpy as np

from lstm_stream import Summaries
from pipeline.web.series_list import BusyError, Found, Listed, Listing
from pipeline.web.series_status import SeriesStatus
from pipeline.web.server import Web
from pipeline.web.status import ExpertWeight, Gates, PartitionStatus, State, Status
from pipeline.web.table import Place, Table, Tables


class Daemon:
    """What a worker tells, changed by hand."""

    def __init__(self) -> None:
        self.names: tuple[str, ...] = ("pump", "valve")
        self.trouble = ""
        self.state: State = "ready"
        self.skill: float | None = 0.4
        self.lock = threading.Lock()
        self.busy = False
        self.horizon, self.asked = 0, Listing()

    def metrics(self) -> tuple[bytes, str]:
        return b"up 1\n", "text/plain; version=1.0.0; charset=utf-8"

    def status(self) -> Status:
        return Status(
            state=self.state,
            message="" if self.state == "ready" else "12 records behind",
            group="g",
            instance="i",
            version="1",
            started=0.0,
            partitions=(
                PartitionStatus(
                    topic="events",
                    partition=0,
                    next_offset=5,
                    end_offset=7,
                    lag=2,
                    series=2,
                    learning_steps=1,
                    drifts=0,
                ),
            ),
            skill=self.skill,
            gates=Gates(forget=0.8, input=0.3, output=0.5),
            experts=(ExpertWeight(expert="lstm", needs_lstm=True, weight=1.0),),
            lstm_share=1.0,
        )

    def find(self, search: str, after: str, limit: int) -> Found:
        with self.lock:
            found = sorted(name for name in self.names if search.casefold() in name.casefold() and name > after)
            return Found(series=tuple(found[:limit]), total=len(found), age=0.5)

    def listed(self, asked: Listing) -> Listed:
        with self.lock:
            self.asked = asked
            tables = Tables({Place("events", 0): table_of(*self.names)})
            return tables.listed(asked, lambda *_: (1.0, None, 2.0), 0.5)

    def series(self, name: str, at: str | None = None, horizon: int = 1) -> SeriesStatus | None:
        self.horizon = horizon
        if self.busy:
            raise BusyError("the worker is busy")
        if name not in self.find("", "", 10_000).series or at not in (None, "events/0"):
            return None
        return SeriesStatus(
            series=name,
            topic="events",
            partition=0,
            observations=2,
            step_seconds=60.0,
            last_time=60_000_000,
            last_value=None,
            recent_times=(0, 60_000_000),
            recent_values=(1.5, None),
            origin=60_000_000,
            mean=(1.5,),
            quantiles={"0.05": (1.0,), "0.95": (2.0,)},
            status="warming",
            skill=None,
        )

    def web(self, port: int = 0, host: str = "127.0.0.1") -> Web:
        return Web(
            self.metrics,
            self.status,
            self,
            lambda: self.trouble,
            lambda: self.state == "ready",
            host,
            port,
        )


def silent(series: str, topic: str, partition: int, observations: int = 1) -> SeriesStatus:
    """A series of which there is nothing to tell yet."""
    return SeriesStatus(
        series=series,
        topic=topic,
        partition=partition,
        observations=observations,
        step_seconds=None,
        last_time=0,
        last_value=None,
        recent_times=(),
        recent_values=(),
        origin=0,
        mean=(),
        quantiles={},
        status="warming",
        skill=None,
    )


def table_of(*names: str, surprise: tuple[float, ...] | None = None, skill: tuple[float, ...] | None = None) -> Table:
    """A shard's table: by default, later names are more surprising and have less skill."""
    count = len(names)
    scores = np.linspace(0, 0.9, count).astype(np.float32) if surprise is None else np.asarray(surprise, np.float32)
    skills = np.linspace(0.9, 0.1, count) if skill is None else np.asarray(skill, np.float64)
    whole = np.arange(1, count + 1)
    return Table(names, Summaries(whole, whole, whole.astype(np.float64), 1 - skills, np.ones(count)), scores, scores)
