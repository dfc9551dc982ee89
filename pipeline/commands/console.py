"""What commands tell on a console: lines, progress, and that the model is being compiled."""

import os
from collections.abc import Callable

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.code_cache import CodeCache, code_cache, package_folder
from pipeline.settings import Settings


def have_compiled(settings: Settings, say: Callable[[str], object]) -> tuple[CodeCache, bool, float]:
    """See to it that the model is compiled before a command needs it, and say so where that takes a while.

    Returns
    -------
    CodeCache, bool, float
        Where the code is, whether it was there already, and the seconds that it took.
    """
    from pipeline.compiling import compile_model

    cache = click.get_current_context().find_object(CodeCache) or code_cache(package_folder(), os.environ)
    return cache, *compile_model(cache, settings, say)


def told_on(console: Console) -> Callable[[str], None]:
    """Lines for the operator on a console."""
    return lambda line: console.print(line, highlight=False, soft_wrap=True)


def progress_bar() -> Progress:
    """On standard error; nothing where that is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
