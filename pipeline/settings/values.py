"""What a setting may be, how it is written, and the error of one that cannot be used."""

import json
from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

PREFIX = "LSTM_STREAM_"

Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0)]
RELOADED = {"reloaded": True}
"""Marks a setting that SIGHUP changes while the daemon runs; the others need a restart."""
Secret = Annotated[str, Meta(extra={"secret": True})]


class SettingsError(ValueError):
    """Settings that cannot be used. The message is one line, and says the fix.

    Attributes
    ----------
    keys
        The keys of the section that do not go together; empty where one value alone is wrong.
    """

    def __init__(self, message: str, keys: Sequence[str] = ()) -> None:
        super().__init__(" ".join(message.splitlines()))
        self.keys = tuple(keys)


def variable(section: str, key: str) -> str:
    """Name the environment variable of a setting.

    >>> variable("kafka", "group")
    'LSTM_STREAM_KAFKA__GROUP'
    """
    return f"{PREFIX}{section}__{key}".upper()


def written(value: object) -> str:
    """Write a value as TOML does."""
    match value:
        case bool():
            return str(value).lower()
        case str():  # JSON escapes what TOML does, but for DEL
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
        case dict():
            return f"{{{', '.join(f'{key} = {written(one)}' for key, one in value.items())}}}"
        case _:
            return str(value)


def in_short(value: object) -> str:
    """The same, cut where it is long."""
    text = written(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
