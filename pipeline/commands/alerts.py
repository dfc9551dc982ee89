"""`lstm-stream alerts`: the state of each alert, and the rules for a Prometheus of one's own."""

from pathlib import Path

import click

from pipeline.commands.options import EPILOG, Refusal, refusing


@click.command(epilog=EPILOG)
@click.option("--prometheus", default="http://localhost:9090", show_default=True, help="Where it answers.")
@click.option(
    "--rules",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the rules into this folder, for `rule_files` of a Prometheus, in place of asking one.",
)
@click.option("--runbook", default="", metavar="URL", help="With --rules: where deploy/README.md can be read.")
@click.option("--grafana", default="", metavar="URL", help="With --rules: where Grafana with the dashboards is.")
def alerts(prometheus: str, folder: Path | None, runbook: str, grafana: str) -> None:
    """Tell each alert's state, as a Prometheus with the rules knows it.

    With --rules, write the rules instead: alerts, and what they need recorded.
    """
    from pipeline.alerts import AlertsError, lines
    from pipeline.alerts import alerts as known

    if folder is not None:
        _write(folder, runbook, grafana)
        return
    if runbook or grafana:
        raise click.UsageError("--runbook and --grafana are for the rules: say where to write them with --rules")
    with refusing(AlertsError):
        for line in lines(known(prometheus)):
            click.echo(line)


def _write(folder: Path, runbook: str, grafana: str) -> None:
    from pipeline.monitoring import rules

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in rules(runbook, grafana).items():
            (folder / name).write_text(text)
            click.echo(f"{folder / name}")
    except OSError as error:
        raise Refusal(f"{folder} can't be written: {error.strerror}; name another folder") from error
