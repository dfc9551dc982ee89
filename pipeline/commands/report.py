"""`lstm-stream report`: an archive for a bug report."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import click

from pipeline.commands.options import EPILOG, Refusal, settings_of, version, with_settings


@click.command(epilog=EPILOG)
@with_settings
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.tar.gz",
    help="Where to write it.  [default: lstm-stream-report-<time>.tar.gz here]",
)
@click.option("--url", default="", metavar="URL", help="Where the daemon answers.  [default: web.host and web.port]")
def report(config: str | None, overrides: Sequence[str], output: Path | None, url: str) -> None:
    """Collect what a bug report needs in one archive.

    Versions, the settings with secrets masked, whether Kafka answers, and of the running daemon its metrics, status,
    health, and last warnings and errors. Run it with the settings of the daemon, while that runs. No secret of the
    settings is in it; names of topics and metrics are: have a look before you send it.
    """
    from pipeline.support_bundle import collect, name_of, write

    settings, now = settings_of(config, overrides), time.time()
    collected = collect(settings, url, version(), os.environ)
    path = output or Path(name_of(now))
    try:
        write(collected, path, now)
    except OSError as error:
        raise Refusal(f"{path} can't be written: {error.strerror}; name another file with --output") from error
    for problem in collected.problems:
        click.echo(f"not collected: {problem}", err=True)
    click.echo(
        f"{path}: {len(collected.files)} files; no secret of the settings is in it. Have a look before you send it"
    )
