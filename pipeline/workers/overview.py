"""Several workers as one: what the parent's port answers for all of them."""

import http.client
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean
from urllib.parse import quote, urlencode

import msgspec
from msgspec import structs

from pipeline.clock import Clock
from pipeline.metric import PREFIX
from pipeline.metrics import Metrics
from pipeline.web.listing import merged as merged_list
from pipeline.web.series_list import MOST_ROWS, BusyError, Found, Listed, Listing
from pipeline.web.series_status import SeriesStatus
from pipeline.web.status import ExpertWeight, Gates, State, Status, WorkerStatus
from pipeline.workers.process import UnansweredError
from pipeline.workers.supervisor import Place, Roster, Running
from pipeline.workers.totals import Sums, merged, read, write

MANY_FAILURES = 3  # in a row, after which a worker cannot be kept up
STATES: tuple[State, ...] = ("stopping", "connecting", "assigning", "catching_up", "ready")
"""The sum of several workers is at the first that one of them is at."""


class Overview:
    """Answers for all workers, from any thread.

    Parameters
    ----------
    roster
        How they stand now.
    nobody
        The status of a daemon that has begun, and holds nothing.
    deadline
        Seconds after which a worker that does not answer is in trouble.
    clock
        The time.
    """

    def __init__(self, roster: Callable[[], Roster], nobody: Status, deadline: float, clock: Clock) -> None:
        self._roster, self._nobody, self._deadline, self._clock = roster, nobody, deadline, clock
        self._pool = ThreadPoolExecutor(32, "ask workers")

    def metrics(self) -> tuple[bytes, str]:
        """The merged page, and its content type."""
        roster = self._roster()
        pages = [read(one.seen.metrics) for one in _processes(roster) if one.seen is not None and one.seen.metrics]
        nothing = read(Metrics().render()[0].decode())
        return write(merged(pages or [nothing], roster.kept))

    def trouble(self) -> str:
        """Why this process should be started again; "" while all is well."""
        return "; ".join(self._troubles())

    def _troubles(self) -> Iterator[str]:
        for place in self._roster().places:
            seen = place.process.seen if place.process is not None else None
            silent = self._clock.now() - seen.at if seen is not None else 0.0
            if place.failures >= MANY_FAILURES:
                yield f"worker {place.number} {place.why}, {place.failures} times in a row; the log may say why"
            elif silent > self._deadline:
                yield f"worker {place.number} has not answered for {silent:.0f} s"
            elif seen is not None and seen.trouble:
                yield f"worker {place.number}: {seen.trouble}"

    def ready(self) -> bool:
        """Whether every worker that runs is ready; one without partitions is."""
        return self.status().state == "ready"

    def status(self) -> Status:
        """All workers as one."""
        roster = self._roster()
        told = [self._told(one) for one in _processes(roster) if one.seen is not None]
        statuses = [one for one in told if one is not None]
        scored = [one for one in statuses if one.mae_last_value]
        return structs.replace(
            _scored(self._counted(statuses, roster.kept), scored),
            state=_state(roster),
            message=" · ".join(_messages(roster)),
            weights=_agreed(one.weights for one in statuses),
            weights_digest=_agreed(one.weights_digest for one in statuses),
            partitions=tuple(
                sorted(
                    (one for each in statuses for one in each.partitions), key=lambda one: (one.topic, one.partition)
                )
            ),
            events_per_second=sum(one.events_per_second for one in statuses),
            age=max((one.age for one in statuses), default=0.0),
            doing=max(statuses, key=lambda one: one.age).doing if statuses else "",
            drained=bool(statuses) and all(one.drained for one in statuses),
            workers=tuple(map(_worker, roster.places)),
        )

    def _told(self, process: Running) -> Status | None:
        """What it told at the last look, as old as that is by now."""
        seen = process.seen
        if seen is None or seen.status is None:
            return None
        return structs.replace(seen.status, age=seen.status.age + self._clock.now() - seen.at)

    def _counted(self, statuses: Sequence[Status], kept: Sums) -> Status:
        """The counts of those that run and of those that have ended."""

        def before(name: str) -> int:
            return int(sum(value for sample, value in kept.items() if sample.name == f"{PREFIX}{name}_total"))

        return structs.replace(
            self._nobody,
            observations=before("observations") + sum(one.observations for one in statuses),
            forecasts=before("forecasts") + sum(one.forecasts for one in statuses),
            superseded=before("superseded") + sum(one.superseded for one in statuses),
            dead_letters=before("dead_letters") + sum(one.dead_letters for one in statuses),
            late=before("late") + sum(one.late for one in statuses),
            repeated=before("repeated") + sum(one.repeated for one in statuses),
            skipped=before("skipped") + sum(one.skipped for one in statuses),
        )

    def warnings(self) -> list[str]:
        """The last warnings of all workers, each worker's in order."""
        answers = self._ask_all("/api/warnings")
        return [
            line
            for code, body in answers
            if code == http.client.OK
            for line in msgspec.json.decode(body, type=list[str])
        ]

    def find(self, search: str, after: str, limit: int) -> Found:
        """Names of series, as of one worker; in `total`, a name that two workers have counts once where it is told."""
        query = urlencode({"search": search, "after": after, "limit": limit})
        answers = self._ask_all(f"/api/series?{query}")
        found = [msgspec.json.decode(body, type=Found) for code, body in answers if code == http.client.OK]
        told = [name for one in found for name in one.series]
        names = sorted(set(told))
        ages = [one.age for one in found if one.age is not None]
        total = sum(one.total for one in found) - (len(told) - len(names))
        return Found(series=tuple(names[:limit]), total=total, age=max(ages, default=None))

    def listed(self, asked: Listing) -> Listed:
        """Series with how they do, of all workers in one order."""
        query = structs.asdict(asked) | {"offset": 0, "limit": min(asked.offset + asked.limit, MOST_ROWS)}
        answers = self._ask_all(f"/api/list?{urlencode(query)}")
        parts = [msgspec.json.decode(body, type=Listed) for code, body in answers if code == http.client.OK]
        return merged_list(parts, asked)

    def series(self, name: str, at: str | None, horizon: int = 1) -> SeriesStatus | None:
        """One series, by its name and its place (`events/3`).

        Raises
        ------
        BusyError
            No worker has told it, and one that may have it did not come by.
        """
        asked = ({} if at is None else {"at": at}) | ({} if horizon == 1 else {"horizon": f"{horizon}"})
        where = f"?{urlencode(asked)}" if asked else ""
        answers = self._ask_all(f"/api/series/{quote(name, safe='')}{where}")
        found = [msgspec.json.decode(body, type=SeriesStatus) for code, body in answers if code == http.client.OK]
        if not found and any(code == http.client.SERVICE_UNAVAILABLE for code, _ in answers):
            raise BusyError("a worker has not come by to copy the series; ask again")
        return _first(found) if found else None

    def _ask_all(self, path: str) -> list[tuple[int, bytes]]:
        """What those answer that do."""
        running = [one for one in _processes(self._roster()) if one.seen is not None]
        return [answer for answer in self._pool.map(lambda one: _asked(one, path), running) if answer is not None]


def _first(found: Sequence[SeriesStatus]) -> SeriesStatus:
    """The first of several series of one name, with the places of the others."""
    first, *others = sorted(found, key=lambda one: (one.topic, one.partition))
    elsewhere = [place for one in others for place in (f"{one.topic}/{one.partition}", *one.elsewhere)]
    return structs.replace(first, elsewhere=(*first.elsewhere, *elsewhere))


def _asked(process: Running, path: str) -> tuple[int, bytes] | None:
    try:
        return process.ask(path)
    except UnansweredError:
        return None


def _processes(roster: Roster) -> list[Running]:
    return [place.process for place in roster.places if place.process is not None]


def _state(roster: Roster) -> State:
    if roster.is_stopping:
        return "stopping"
    states = [_state_of(process) for process in _processes(roster)]
    return min(states, key=STATES.index, default="connecting")


def _state_of(process: Running) -> State:
    seen = process.seen
    return "connecting" if seen is None or seen.status is None else seen.status.state


def _agreed(told: Iterable[str]) -> str:
    """What all tell; where they differ, as after a file was replaced, each once."""
    return ", ".join(dict.fromkeys(told))


def _messages(roster: Roster) -> Iterator[str]:
    """What there is to add: each message once, with the workers that it is of."""
    said: dict[str, list[int]] = {}
    for place in roster.places:
        message = _message(place)
        if message and not roster.is_stopping:
            said.setdefault(message, []).append(place.number)
    for message, numbers in said.items():
        who = "worker" if len(numbers) == 1 else "workers"
        is_of_all = len(numbers) == len(roster.places)
        yield message if is_of_all else f"{who} {', '.join(map(str, numbers))}: {message}"


def _message(place: Place) -> str:
    if place.process is None:
        return f"{place.why}, and is to be started again" if place.why else "starting"
    seen = place.process.seen
    return "starting" if seen is None or seen.status is None else seen.status.message


def _worker(place: Place) -> WorkerStatus:
    seen = place.process.seen if place.process is not None else None
    status = seen.status if seen is not None else None
    is_waiting = place.process is None and bool(place.why)
    return WorkerStatus(
        number=place.number,
        pid=place.process.pid if place.process is not None else 0,
        state=status.state if status is not None else "restarting" if is_waiting else "starting",
        partitions=len(status.partitions) if status is not None else 0,
        events_per_second=status.events_per_second if status is not None else 0.0,
        restarts=place.restarts,
    )


def _scored(status: Status, scored: Sequence[Status]) -> Status:
    """With the means of errors, gates and weights over the workers that have scored, each weighed by its series."""
    weights = [float(sum(held.series for held in one.partitions)) for one in scored]
    if not sum(weights) > 0:
        return status

    def mean(values: Iterable[float | None]) -> float:
        return fmean([value or 0.0 for value in values], weights)

    ours, last_value = mean(one.mae_model for one in scored), mean(one.mae_last_value for one in scored)
    gates = [one.gates or Gates(forget=0.0, input=0.0, output=0.0) for one in scored]
    each = zip(*(one.experts for one in scored), strict=True)
    experts: tuple[ExpertWeight, ...] = tuple(
        structs.replace(same[0], weight=mean(one.weight for one in same)) for same in each
    )
    return structs.replace(
        status,
        mae_model=ours,
        mae_last_value=last_value,
        skill=1 - ours / last_value,
        gates=Gates(
            forget=mean(one.forget for one in gates),
            input=mean(one.input for one in gates),
            output=mean(one.output for one in gates),
        ),
        experts=experts,
        lstm_share=mean(one.lstm_share for one in scored),
    )
