"""`lstm-stream evaluate`: how well the series of a file or a topic are forecast."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.console import Console

from pipeline.commands.console import have_compiled, progress_bar, told_on
from pipeline.commands.file_options import file_options_of, with_file_form
from pipeline.commands.options import EPILOG, FILE, refusing, settings_of, with_settings


class RowRange(click.ParamType[tuple[int, int | None]]):
    """A:B, rows A to B - 1; B may be left out."""

    name = "A:B"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int | None]:
        match = re.fullmatch(r"(\d+):(\d*)", str(value))
        if match is None:
            self.fail(
                f"`{value}` is not a range of rows; expected A:B such as 3600:14400, or A: up to the end", param, ctx
            )
        return int(match[1]), int(match[2]) if match[2] else None


@click.command(epilog=EPILOG)
@click.argument("file", type=FILE, required=False)
@click.option("--topic", help="Score on what this topic holds in place of a file; no group is joined.")
@click.option(
    "--horizon", type=click.IntRange(1, 1000), help="Steps ahead.  [default: model.horizon of the settings, 24]"
)
@click.option(
    "--scale-rows",
    type=click.IntRange(2),
    metavar="N",
    help="Rows that give the unit of error.  [default: the first 20 %]",
)
@click.option("--score-rows", type=RowRange(), help="Rows that are scored, from 0.  [default: from 25 % to the end]")
@click.option("--json", "as_json", is_flag=True, help="Print the scores as one JSON object, as the last line.")
@click.option(
    "--plot",
    "picture",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw forecasts, errors, drifts and the experts' weights.",
)
@click.option("--peers", is_flag=True, help="Score river's SNARIMAX and Holt-Winters too; they take a while.")
@click.option("--season", type=click.IntRange(1), metavar="N", help="Steps of a season.  [default: told by the step]")
@with_file_form
@with_settings
def evaluate(
    file: Path | None,
    topic: str | None,
    horizon: int | None,
    scale_rows: int | None,
    score_rows: tuple[int, int | None] | None,
    as_json: bool,
    picture: Path | None,
    peers: bool,
    season: int | None,
    config: str | None,
    overrides: Sequence[str],
) -> None:
    """Tell how well the series of a file are forecast, or those of a topic. A file needs no Kafka.

    FILE (`-`: standard input) is CSV, Parquet or JSON, packed or not; long (a column names the series) or wide (each
    column of values is a series, and those of a row inform each other). How it was read is the first line; what may be
    read in several ways is refused, with the option to give. Columns of events.covariates go along. Each row is shown
    to the model once, in order, as the next step of its series; the forecast taken then is scored when what it foresaw
    has come, and only then learnt from. Beside it: two of its parts alone, the last value, and the value a season
    ago. Errors are in units of each series' standard deviation; below 1, MASE beats the seasonal difference.
    """
    from lstm_stream import WeightsError
    from pipeline.cluster import ClusterError
    from pipeline.evaluation.actuals import Rows, ScoringError
    from pipeline.evaluation.evaluate import actuals_of, model_for
    from pipeline.evaluation.evaluate import evaluate as score
    from pipeline.evaluation.log import read_file
    from pipeline.evaluation.scoreboard import NARROWEST, remarks, scores_table
    from pipeline.evaluation.topic_log import TopicError, read_past
    from pipeline.files.packing import TableError
    from pipeline.replay import Form

    if (file is None) == (topic is None):
        raise click.UsageError("give a FILE or --topic, one of them")
    chosen = [] if horizon is None else [f"model.horizon={horizon}"]
    settings = settings_of(config, [*overrides, *chosen])
    rows = Rows(scale_rows, *(score_rows or (None, None)))
    console = Console(stderr=as_json)
    with refusing(TableError, ClusterError, TopicError, ScoringError, WeightsError):
        if file is not None:
            past = read_file(file, Form(settings.events).fields, file_options_of(settings.events), season or 0)
        else:
            past = read_past(settings, topic or "", season or 0)
        actuals_of(past.log, rows)
        for line in past.told:
            console.print(line, highlight=False, soft_wrap=True)
        have_compiled(settings, told_on(Console(stderr=True)))
        with progress_bar() as bar:
            task = bar.add_task(past.name, total=len(past.log.values))
            evaluation = score(
                past.log,
                model_for(past.log, settings),
                horizon=settings.model.horizon,
                quantiles=settings.model.quantiles,
                rows=rows,
                peers=peers,
                progress=lambda count: bar.advance(task, count),
            )
    if picture is not None:
        from pipeline.evaluation.plot import PlotError, plot

        with refusing(PlotError):
            plot(evaluation, settings.model.quantiles, picture)
    console.width = max(console.width, NARROWEST)
    console.print(scores_table(past.name, evaluation.report, settings.model.quantiles))
    for remark in remarks(evaluation.report):
        console.print(remark, highlight=False, soft_wrap=True)
    if as_json:
        click.echo(msgspec.json.encode(evaluation.report))
