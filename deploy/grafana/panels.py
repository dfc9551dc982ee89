"""Panels and dashboards as values, and what Grafana's SDK makes of them."""

import json
from collections.abc import Callable
from typing import Literal, NamedTuple

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus as queries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import (
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

WIDTH = 24  # columns of a dashboard

Query = tuple[str, str]
"""An expression, and the legend of what it gives."""


class Steps(NamedTuple):
    """Colours by value: green, and from these values on orange and red; or, reversed, below them."""

    orange: float
    red: float
    is_low_bad: bool = False


class Link(NamedTuple):
    """Where a click on a line or a bar leads."""

    title: str
    url: str


PAGE = Link("live page of ${__field.labels.instance}", "http://${__field.labels.instance}/")
SERIES = Link("${__field.labels.series}", "/d/lstm-stream-series?${job:queryparam}&var-series=${__field.labels.series}")


class Panel(NamedTuple):
    """One panel.

    Attributes
    ----------
    title, description
        The description says what it shows and how healthy looks.
    queries
        What it asks Prometheus for.
    unit
        Grafana's name of it: s, bytes, percentunit, cps (a second), short.
    kind
        How it is drawn.
    steps
        Colours, None for none.
    most, least
        Ends of the axis, None where the data tell.
    width
        Columns of 24.
    link
        Where its lines lead.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Literal["lines", "stack", "stat", "bars", "heat"] = "lines"
    steps: Steps | None = None
    least: float | None = None
    most: float | None = None
    width: int = 8
    link: Link | None = None


class Variable(NamedTuple):
    """What is chosen on top of a dashboard: the values of a label."""

    name: str
    label: str
    query: str
    is_many: bool = True


class Row(NamedTuple):
    """Panels under a title."""

    title: str
    panels: tuple[Panel, ...]


class Board(NamedTuple):
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...] = ()
    time_from: str = "now-1h"


JOB = Variable("job", "Job", "label_values(lstm_stream_info, job)")


def written(board: Board) -> str:
    """The dashboard as Grafana reads it."""
    built = (
        builders.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["lstm-stream"])
        .timezone("browser")
        .time(board.time_from, "now")
        .refresh("30s")
        .editable()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_others())
        .with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .annotation(_alerts())
    )
    for variable in (JOB, *board.variables):
        built = built.with_variable(_variable(variable))
    for row in board.rows:
        built = built.with_row(builders.Row(row.title))
        for panel in row.panels:
            built = built.with_panel(_panel(panel))
    return json.dumps(built.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _source() -> models.DataSourceRef:
    return models.DataSourceRef(type_val="prometheus", uid="${datasource}")


def _others() -> builders.DashboardLink:
    """The other dashboards, with the same time and job."""
    link = builders.DashboardLink("lstm-stream").type(models.DashboardLinkType.DASHBOARDS).tags(["lstm-stream"])
    return link.as_dropdown(True).keep_time(True).include_vars(True)


def _alerts() -> builders.AnnotationQuery:
    """Alerts that fire are marked on every time axis."""
    return (
        builders.AnnotationQuery()
        .name("Alerts")
        .datasource(_source())
        .enable(True)
        .icon_color("red")
        .expr('ALERTS{alertname=~"LstmStream.*", alertstate="firing"}')
    )


def _variable(variable: Variable) -> builders.QueryVariable:
    built = (
        builders.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(_source())
        .query(variable.query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    return built.multi(True).include_all(True).all_value(".*") if variable.is_many else built


def _panel(panel: Panel) -> "_Built":
    built = _DRAWN[panel.kind](panel)
    built = built.title(panel.title).description(panel.description).datasource(_source()).unit(panel.unit)
    built = built.span(panel.width).height(4 if panel.kind == "stat" else 8)
    built = built if panel.least is None else built.min(panel.least)
    built = built if panel.most is None else built.max(panel.most)
    if panel.link is not None:
        built = built.data_links([builders.DashboardLink(panel.link.title).url(panel.link.url).target_blank(True)])
    if panel.steps is not None:
        built = built.thresholds(_thresholds(panel.steps))
    for number, query in enumerate(panel.queries):
        built = built.with_target(_query(panel, query, chr(ord("A") + number)))
    return built


def _query(panel: Panel, query: Query, name: str) -> queries.Dataquery:
    expression, legend = query
    built = queries.Dataquery().expr(expression).legend_format(legend).ref_id(name).datasource(_source())
    if panel.kind == "heat":
        built = built.format(PromQueryFormat.HEATMAP)
    return built.instant() if panel.kind in ("stat", "bars") else built.range()


def _thresholds(steps: Steps) -> builders.ThresholdsConfig:
    colours = ("red", "orange", "green") if steps.is_low_bad else ("green", "orange", "red")
    marks = (None, *sorted((steps.orange, steps.red)))
    thresholds = [models.Threshold(value=mark, color=colour) for mark, colour in zip(marks, colours, strict=True)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds)


def _lines(_: Panel) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
    built = timeseries.Panel().line_width(1).fill_opacity(8).show_points(VisibilityMode.NEVER)
    return built.legend(legend.show_legend(True)).tooltip(tooltip).draw_style(GraphDrawStyle.LINE)


def _stack(panel: Panel) -> timeseries.Panel:
    return _lines(panel).stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(60)


def _stat(_: Panel) -> stat.Panel:
    return stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _bars(_: Panel) -> bargauge.Panel:
    options = common.ReduceDataOptions().calcs(["lastNotNull"])
    return bargauge.Panel().reduce_options(options).orientation(VizOrientation.HORIZONTAL)


def _heat(_: Panel) -> heatmap.Panel:
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(32)
    return heatmap.Panel().color(colours)


_Built = timeseries.Panel | stat.Panel | bargauge.Panel | heatmap.Panel
_DRAWN: dict[str, Callable[[Panel], _Built]] = {
    "lines": _lines,
    "stack": _stack,
    "stat": _stat,
    "bars": _bars,
    "heat": _heat,
}
