"""`lstm-stream evaluate --plot`: what the model foresaw, and its error by step beside the baselines', as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.evaluate import Drawing, Evaluation
from pipeline.scoring import Floats

INK = "#20262e"
MODEL = "#d1495b"
COLOURS = {"model": MODEL, "last_value": "#8d99ae", "seasonal_naive": "#2e86ab"}
LABELS = {"model": "LSTM", "last_value": "last value", "seasonal_naive": "seasonal naive"}


class PlotError(Exception):
    """The picture cannot be written; the message says why."""


def plot(evaluation: Evaluation, quantiles: Sequence[float], path: Path) -> None:
    """Draw an evaluation into a file; its suffix says the format.

    Raises
    ------
    PlotError
        When the file cannot be written.
    """
    with matplotlib.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        figure = _figure(evaluation, quantiles)
        try:
            figure.savefig(path, dpi=120)
        except (OSError, ValueError) as error:
            raise PlotError(f"cannot write the picture to {path}: {error}") from None


def _figure(evaluation: Evaluation, quantiles: Sequence[float]) -> Figure:
    drawings = evaluation.drawings
    figure = Figure(figsize=(12, 2.6 * len(drawings) + 3.2), layout="constrained")
    axes = figure.subplots(len(drawings) + 1, 1, squeeze=False)[:, 0]
    for axis, drawing in zip(axes, drawings, strict=False):
        _draw_forecasts(axis, drawing, quantiles)
    axes[0].legend(loc="upper left", ncols=3, frameon=False, bbox_to_anchor=(0, 1.02), borderaxespad=0)
    _draw_errors(axes[-1], evaluation.mae_by_step)
    return figure


def _draw_forecasts(axis: Axes, drawing: Drawing, quantiles: Sequence[float]) -> None:
    rows = np.arange(drawing.first_row, drawing.first_row + len(drawing.values))
    axis.plot(rows, drawing.values, color=INK, linewidth=1.2, label="what came")
    interval = f"{100 * (quantiles[-1] - quantiles[0]):.0f} % interval"
    for index, forecast in enumerate(drawing.forecasts):
        ahead = forecast.origin + np.arange(1, len(forecast.mean) + 1)
        labels = (LABELS["model"] + ", seen from the dotted line", interval) if index == 0 else ("_", "_")
        axis.axvline(forecast.origin, color=INK, linewidth=0.8, linestyle=":", alpha=0.6)
        lower, upper = forecast.quantiles[:, 0], forecast.quantiles[:, -1]
        axis.fill_between(ahead, lower, upper, color=MODEL, alpha=0.18, linewidth=0, label=labels[1])
        axis.plot(ahead, forecast.mean, color=MODEL, linewidth=1.4, label=labels[0])
    axis.set_title(drawing.name, loc="right", fontsize=11)
    axis.set_xlabel("row")
    axis.margins(x=0.01, y=0.18)


def _draw_errors(axis: Axes, mae_by_step: Mapping[str, Floats]) -> None:
    for name, errors in mae_by_step.items():
        steps = np.arange(1, len(errors) + 1)
        axis.plot(steps, errors, color=COLOURS[name], linewidth=2, marker="o", markersize=3, label=LABELS[name])
    axis.set_title("mean absolute error by step, in each series' own unit", loc="right", fontsize=11)
    axis.set_xlabel("steps ahead")
    axis.set_ylim(bottom=0)
    axis.legend(frameon=False)
