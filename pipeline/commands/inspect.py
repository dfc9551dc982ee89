"""`lstm-stream inspect`: what a checkpoint holds, and in words how one of its series stands."""

import click
import msgspec
from msgspec import structs
from rich.console import Console
from rich.table import Table as Grid

from pipeline.commands.options import EPILOG, refusing


@click.command(epilog=EPILOG)
@click.argument("checkpoint", metavar="CHECKPOINT")
@click.option(
    "--series", metavar="S", help="Tell how this series stands, in words, and the forecast from its last values."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def inspect(checkpoint: str, series: str | None, as_json: bool) -> None:
    """Tell what a checkpoint holds.

    CHECKPOINT is a file or URL: <checkpoints.url>/<cluster>/<topic>-<topic id>/<partition>/<offset>.safetensors.
    """
    from pipeline.checkpoints.stores import CheckpointError
    from pipeline.inspection import InspectionError, SeriesContents, inspected, inspected_series, words

    with refusing(CheckpointError, InspectionError):
        told = inspected(checkpoint) if series is None else inspected_series(checkpoint, series)
    if as_json:
        click.echo(msgspec.json.encode(told))
        return
    if isinstance(told, SeriesContents):
        for line in words(told):
            click.echo(line)
        click.echo()
    grid = Grid(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in structs.asdict(told).items():
        grid.add_row(name.replace("_", " "), _shown(value))
    Console().print(grid)


def _shown(value: object) -> str:
    from pipeline.evaluation.scoreboard import number

    if isinstance(value, float):
        return number(value)
    if isinstance(value, list | tuple):
        return "  ".join(map(_shown, value))
    if isinstance(value, dict):
        return "\n".join(f"{key} = {_shown(one)}" for key, one in value.items())
    return str(value)
