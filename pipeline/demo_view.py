"""What the demo shows while it runs: a live table on a terminal, else plain lines."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid

from pipeline.web.status import Status

PLAIN_LOOK = 5.0  # the same where there is no terminal


class Moment(NamedTuple):
    """What is shown."""

    page: str
    seconds: float
    of_seconds: float
    sent: int
    status: Status | None


@contextmanager
def view(console: Console) -> Iterator[Callable[[Moment], None]]:
    """A live table on a terminal, else a plain line now and then."""
    if not console.is_terminal:
        yield _Lines(console).show
        return
    with Live(console=console, refresh_per_second=4) as live:
        yield lambda moment: live.update(_picture(moment))


class _Lines:
    """A plain line every `PLAIN_LOOK` seconds."""

    def __init__(self, console: Console) -> None:
        self._console, self._next = console, 0.0

    def show(self, moment: Moment) -> None:
        if moment.seconds < self._next or moment.status is None:
            return
        self._next = moment.seconds + PLAIN_LOOK
        status = moment.status
        self._console.print(
            f"{moment.seconds:5.0f} s  {status.events_per_second:6.0f} events/s  lag {_lag(moment):5d}  "
            f"{status.forecasts} forecasts  {_errors(status)}  {moment.page}",
            soft_wrap=True,
            highlight=False,
        )


def _picture(moment: Moment) -> Grid:
    status = moment.status
    limit = f" of {moment.of_seconds:.0f}" if moment.of_seconds else ", Ctrl-C ends it"
    grid = Grid(title=f"lstm-stream demo, {moment.seconds:.0f} s{limit}", title_justify="left", show_header=False)
    grid.add_column()
    grid.add_column(min_width=44)
    grid.add_row("live page", moment.page)
    if status is None:
        grid.add_row("daemon", "does not answer")
        return grid
    grid.add_row("daemon", f"{status.state.replace('_', ' ')}, {len(status.partitions)} partitions")
    grid.add_row("events/s", f"{status.events_per_second:,.0f}")
    grid.add_row("lag", f"{_lag(moment):,} events")
    grid.add_row("forecasts", f"{status.forecasts:,}")
    grid.add_row("set aside", f"{status.dead_letters} bad, {status.late} late, {status.repeated} repeated")
    grid.add_row("error one step ahead", _errors(status))
    return grid


def _lag(moment: Moment) -> int:
    return max(0, moment.sent - moment.status.observations) if moment.status is not None else moment.sent


def _errors(status: Status) -> str:
    if status.mae_model is None or status.mae_last_value is None:
        return "nothing scored yet"
    return f"MAE {status.mae_model:.3f}, last value {status.mae_last_value:.3f}"
