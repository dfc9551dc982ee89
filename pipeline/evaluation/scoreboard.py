"""The scores of an evaluation as a table for people, and what has to be said beside it."""

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table as Grid

from pipeline.evaluation.scoring import Report, Result, Score

PEERS = {"snarimax": "SNARIMAX", "holt_winters": "Holt-Winters"}
SHOWN = 6
NARROWEST = 80
"""Characters that a table of scores needs, so that no number is cut."""


def scores_table(name: str, report: Report, quantiles: Sequence[float]) -> Grid:
    """The scores by horizon, each forecaster a line."""
    share = 100 * (quantiles[-1] - quantiles[0])
    grid = Grid(
        title=f"{name}: {report.series} series, {report.rows} rows, a season of {report.season} steps",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    grid.add_column("\nsteps", justify="right", no_wrap=True)
    grid.add_column("\nforecaster", no_wrap=True)
    for heading in ("\nMSE", "\nMAE", "\nMASE", f"inside\n{share:.0f} %", "\nwidth", "interval\nscore"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for horizon in report.model.horizons:
        for index, (label, run) in enumerate(_runs(report).items()):
            grid.add_row("" if index else str(horizon), label, *_cells(run.horizons[horizon]))
        grid.add_section()
    return grid


def _runs(report: Report) -> dict[str, Result]:
    parts = {" LSTM alone": report.lstm, " readout alone": report.readout}
    baselines = {"last value": report.last_value, "seasonal naive": report.seasonal_naive}
    return {"model": report.model} | parts | baselines | {PEERS[name]: peer for name, peer in report.peers.items()}


def _cells(score: Score) -> Iterator[str]:
    """A score's columns; nothing in those of the interval where there is none."""
    yield from map(number, (score.mse, score.mae, score.mase))
    yield "" if score.coverage is None else f"{100 * score.coverage:.1f} %"
    yield from ("" if one is None else number(one) for one in (score.width, score.interval_score))


def remarks(report: Report) -> Iterator[str]:
    """What the scores leave out, how fast each was, and what of the peers' scores is not like the others'."""
    for name, why in list(report.left_out.items())[:SHOWN]:
        yield f"left out of the means: {why if f'`{name}`' in why else f'series `{name}` {why}'}"
    if len(report.left_out) > SHOWN:
        yield f"left out of the means: {len(report.left_out) - SHOWN} more series (all of them with --json)"
    if report.own_numbers:
        yield "errors are in the values' own unit: no series varies in the rows that give one (--scale-rows)"
    if report.season_beyond:
        yield (
            f"a season of {report.season:,} steps is longer than what comes before the scored rows: the seasonal"
            " naive is the last value there, and there is no MASE; name a shorter one with --season"
        )
    elif report.without_mase:
        names = ", ".join(report.without_mase[:SHOWN])
        more = f" and {len(report.without_mase) - SHOWN} more" if len(report.without_mase) > SHOWN else ""
        yield f"no MASE for {names}{more}: no seasonal difference above 0 is known before the scored rows"
    if report.dominant is not None:
        yield f"most of the mean MSE is that of `{report.dominant}`: beside its first rows its later values are large"
    yield f"the model took {report.model.events_per_second:,.0f} events/s"
    for name, peer in report.peers.items():
        speed = f"river's {PEERS[name]} took {peer.events_per_second:,.0f} events/s"
        yield f"{speed}; {peer.fallbacks:,} forecasts fell back to the last value"
    for stride in {peer.stride for peer in report.peers.values()}:
        yield f"more than one step ahead, river's are asked and scored at one row in {stride}"


def number(value: float | None) -> str:
    """Four digits, or three where these take more than seven characters; a dash where there is none."""
    if value is None:
        return "-"
    return f"{value:.4g}" if value == 0 or 0.01 <= abs(value) < 9999.5 else f"{value:.3g}"
