"""What all commands share: the options that say which settings are in force, and how a command is refused."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import click

from pipeline.commands.table_file import TableFile
from pipeline.settings import Kafka, Settings, SettingsError, load

Command = TypeVar("Command", bound=Callable[..., object])

FAILURE, USAGE = 1, 2
EPILOG = "Exit codes: 0 done, 1 failure, 2 bad usage or settings."
FILE = TableFile()


class Refusal(click.ClickException):
    """One line on standard error; the command has failed."""

    exit_code = FAILURE


class SettingsRefusal(Refusal):
    """The settings are wrong."""

    exit_code = USAGE


@contextmanager
def refusing(*kinds: type[Exception]) -> Iterator[None]:
    """Turn errors of these kinds into a refusal: their messages say the fix."""
    try:
        yield
    except kinds as error:
        raise Refusal(str(error)) from error


def version() -> str:
    """The version that is installed."""
    import importlib.metadata

    try:
        return importlib.metadata.version("lstm-stream")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def with_settings(command: Command) -> Command:
    """The options that say which settings are in force."""
    set_option = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="Change one setting, such as --set model.horizon=48. May be given several times.",
    )
    file_option = click.option(
        "-c",
        "--config",
        metavar="FILE",
        help="Settings file (TOML). Without it: defaults, LSTM_STREAM_... in the environment, and --set.",
    )
    return file_option(set_option(command))


def settings_of(config: str | None, overrides: Sequence[str]) -> Settings:
    """The settings in force; what is wrong with them is bad usage."""
    try:
        return load(config, os.environ, overrides)
    except SettingsError as error:
        raise SettingsRefusal(str(error)) from error


def the_input_of(kafka: Kafka) -> str:
    """The one input topic; where there are several, it has to be named."""
    if len(kafka.inputs) == 1:
        return kafka.inputs[0]
    several = ", ".join(kafka.inputs) or kafka.input
    raise click.UsageError(f"kafka.input is {several}: which topic? Name one with --topic")
