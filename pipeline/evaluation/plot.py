"""`lstm-stream evaluate --plot`: an evaluation as a picture.

From the top: what was foreseen against what came; the error as it went, with the drifts that the model noticed; what
the forecast rested on; and the error by step.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import cycle
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lstm_stream import OF_THE_LSTM, Expert
from pipeline.evaluation.actuals import Floats
from pipeline.evaluation.evaluate import Evaluation
from pipeline.evaluation.figure_data import Drawing, Picture

INK, FAINT = "#20262e", "#8a929c"
MODEL = "#c8364d"
DRIFT = "#7b4fa3"
COLOURS = {"model": MODEL, "lstm": "#f0a08c", "last_value": "#8d99ae", "seasonal_naive": "#2e86ab"}
LABELS = {"model": "model", "lstm": "LSTM alone", "last_value": "last value", "seasonal_naive": "seasonal naive"}

WITH_LSTM = tuple(Expert)[OF_THE_LSTM]
WITHOUT = tuple(expert for expert in Expert if expert not in WITH_LSTM)
REDS = ("#a3223a", "#c8364d", "#e36b6f", "#f2a49a")
COOL = (
    *("#5f5aa2", "#8d99ae", "#1d5c7d", "#2e86ab", "#6fb1c9", "#a9d3dd"),
    *("#3d8577", "#8cc5b4", "#a38b4f", "#d2bd7c", "#ece3bd", "#9a94cf", "#b58db6", "#6b7280"),
)
OTHERS = "#d5d9de"
UNITS = (("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3))
MARKED = 60  # steps that have a dot each at most
SMALL, LARGE = 0.04, 0.3
"""An expert whose weight is on average less than the one, and never as much as the other, is one of the "others"."""


class PlotError(Exception):
    """The picture cannot be written; the message says why."""


def plot(evaluation: Evaluation, quantiles: Sequence[float], path: Path) -> None:
    """Draw an evaluation into a file; its suffix says the format.

    Raises
    ------
    PlotError
        When the file cannot be written.
    """
    with _style():
        figure = _figure(evaluation, quantiles)
        try:
            figure.savefig(path, dpi=120)
        except (OSError, ValueError) as error:
            raise PlotError(f"cannot write the picture to {path}: {error}") from None


def _style() -> AbstractContextManager[None]:
    return matplotlib.rc_context(
        {
            "font.size": 10,
            "text.color": INK,
            "axes.edgecolor": FAINT,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#e9ecef",
            "xtick.color": FAINT,
            "ytick.color": FAINT,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "legend.frameon": False,
            "legend.handlelength": 1.4,
        }
    )


def _figure(evaluation: Evaluation, quantiles: Sequence[float]) -> Figure:
    picture = evaluation.picture
    fans = len(picture.drawings)
    heights = [2.2] * fans + [2.9, 3.4, 2.7]
    figure = Figure(figsize=(13, sum(heights) + 0.4), layout="constrained")
    axes = figure.subplots(len(heights), 1, height_ratios=heights)
    for axis, drawing in zip(axes, picture.drawings, strict=False):
        _draw_fans(axis, drawing, quantiles)
    axes[0].set_title("what was foreseen, and what came")
    axes[fans - 1].set_xlabel(_row(picture.step))
    _legend(axes[0], _fan_legend(quantiles))
    _draw_course(axes[fans], picture)
    _draw_weights(axes[fans + 1], picture)
    _draw_errors(axes[fans + 2], evaluation.mae_by_step)
    return figure


def _legend(axis: Axes, handles: Sequence[Line2D | Patch]) -> None:
    """Beside the panel, so that it hides nothing."""
    axis.legend(handles=handles, loc="upper left", alignment="left", bbox_to_anchor=(1.012, 1.02), borderaxespad=0)


def _row(step: float) -> str:
    """What a row is, with its step of so many seconds in the largest unit that fits."""
    unit, seconds = next(((name, one) for name, one in UNITS if step >= one), ("", 1.0))
    return f"row ({step / seconds:.4g} {unit} each)" if unit else "row"


def _draw_fans(axis: Axes, drawing: Drawing, quantiles: Sequence[float]) -> None:
    rows = np.arange(drawing.first_row, drawing.first_row + len(drawing.values))
    axis.plot(rows, drawing.values, color=INK, linewidth=1.1)
    for fan in drawing.fans:
        ahead = fan.origin + np.arange(len(fan.mean) + 1)
        known = drawing.values[fan.origin - drawing.first_row]
        axis.axvline(fan.origin, color=FAINT, linewidth=1, linestyle=":")
        for lower, upper in _bands(quantiles):
            low, high = (np.append(known, fan.quantiles[:, one]) for one in (lower, upper))
            axis.fill_between(ahead, low, high, color=MODEL, alpha=0.2, linewidth=0)
        axis.plot(ahead, np.append(known, fan.mean), color=MODEL, linewidth=1.8)
    axis.set_title(drawing.name, loc="right", fontweight="normal")
    axis.set_ylabel("value (own unit)")
    axis.margins(x=0.005, y=0.1)
    _whole_numbers(axis)


def _bands(quantiles: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Pairs of levels around the middle, the outermost first."""
    return zip(range(len(quantiles) // 2), reversed(range(len(quantiles))), strict=False)


def _fan_legend(quantiles: Sequence[float]) -> list[Line2D | Patch]:
    shares = [f"{100 * (quantiles[upper] - quantiles[lower]):.0f} %" for lower, upper in _bands(quantiles)]
    interval = [Patch(color=MODEL, alpha=0.25, label=f"{', '.join(shares)} interval")] if shares else []
    origin = Line2D([], [], color=FAINT, linestyle=":", label="seen from here")
    return [
        Line2D([], [], color=INK, linewidth=1.1, label="what came"),
        Line2D([], [], color=MODEL, linewidth=1.8, label="mean forecast"),
        *interval,
        origin,
    ]


def _draw_course(axis: Axes, picture: Picture) -> None:
    handles: list[Line2D | Patch] = []
    for name, errors in picture.mae.items():
        width = 2.2 if name == "model" else 1.5
        handles += axis.plot(picture.rows, errors, color=COLOURS[name], linewidth=width, label=LABELS[name])
    for row in picture.drifts:
        axis.axvline(row, color=DRIFT, linewidth=1, linestyle=(0, (4, 3)), alpha=0.7)
    if picture.drifts:
        handles.append(
            Line2D([], [], color=DRIFT, linestyle=(0, (4, 3)), label=f"drift noticed ({len(picture.drifts)})")
        )
    axis.set_title(f"error as it went: mean of {picture.window:,} rows, steps 1 to {picture.horizon}")
    axis.set_ylabel("MAE (standard deviations)")
    axis.set_ylim(bottom=0)
    axis.axvspan(0, picture.scored, color=FAINT, alpha=0.12, linewidth=0, zorder=0)
    middle, below_top = picture.scored / 2, axis.get_xaxis_transform()
    axis.text(middle, 0.96, "not scored", color=FAINT, ha="center", va="top", transform=below_top)
    _by_row(axis, picture)
    _legend(axis, handles)


def _draw_weights(axis: Axes, picture: Picture) -> None:
    shares = _stacked(picture.weights)
    axis.stackplot(picture.rows, list(shares.values()), colors=[_colour(name) for name in shares], linewidth=0)
    axis.set_title(f"what the forecast {picture.horizon} steps ahead rested on")
    axis.set_ylabel("weight in the mean (%)")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f}"))
    axis.set_ylim(0, 1)
    axis.grid(visible=False)
    _by_row(axis, picture)
    _legend(axis, [Patch(color=_colour(name), label=name) for name in reversed(shares)])


def _stacked(weights: Floats) -> dict[str, Floats]:
    """Weights (B,) by expert: those of the LSTM first, at the end the sum of the small ones."""
    seen = (np.nanmean(weights, axis=1) >= SMALL) | (np.nanmax(weights, axis=1) >= LARGE)
    large = [expert for expert in (*WITH_LSTM, *WITHOUT) if seen[expert]]
    small = [expert for expert in Expert if expert not in large]
    return {_name(expert): weights[expert] for expert in large} | {"others": weights[small].sum(axis=0)}


def _name(expert: Expert) -> str:
    return "LSTM" if expert == Expert.LSTM else expert.name.replace("_", " ").lower()


def _colour(name: str) -> str:
    """Reds for what rests on the LSTM, cool colours for the rest."""
    reds = {_name(expert): colour for expert, colour in zip(WITH_LSTM, cycle(REDS), strict=False)}
    cool = {_name(expert): colour for expert, colour in zip(WITHOUT, cycle(COOL), strict=False)}
    return (reds | cool | {"others": OTHERS})[name]


def _by_row(axis: Axes, picture: Picture) -> None:
    """The whole run from left to right."""
    axis.set_xlim(0, picture.rows[-1])
    axis.set_xlabel(_row(picture.step))
    _whole_numbers(axis)


def _whole_numbers(axis: Axes) -> None:
    axis.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda row, _: f"{row:,.0f}"))


def _draw_errors(axis: Axes, mae_by_step: Mapping[str, Floats]) -> None:
    lines: list[Line2D] = []
    for name, errors in mae_by_step.items():
        steps = np.arange(1, len(errors) + 1)
        marker = "o" if len(errors) <= MARKED else ""
        lines += axis.plot(
            steps, errors, color=COLOURS[name], linewidth=1.8, marker=marker, markersize=3, label=LABELS[name]
        )
    axis.set_title("error by step, over all scored rows")
    axis.set_xlabel("steps ahead")
    axis.set_ylabel("MAE (standard deviations)")
    axis.set_ylim(bottom=0)
    axis.margins(x=0.01)
    _whole_numbers(axis)
    _legend(axis, lines)
