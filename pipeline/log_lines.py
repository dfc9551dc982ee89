"""How the daemon's log is written: as text or as one JSON object a line, and never with a secret in it."""

import json
import logging
import re
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

MASK = "********"
SHORTEST = 4
"""Characters of a secret that is masked where it turns up in a text: a shorter one is part of ordinary words."""
MOST_TROUBLES = 100  # warnings and errors that are remembered
LONGEST = 4000  # characters of one that are remembered


SIGNING = re.compile(r"""(auth_bytes=)(?:b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*")|(\bBearer )[\w.~+/=-]+""")
"""What signs in and is no setting: the bytes of SASL, which Kafka's client tells at the level debug, and tokens."""


def masked(text: str, secrets: Sequence[str]) -> str:
    """Replace each secret in a text by asterisks, the longest first, and what signs in.

    >>> masked("user alice, password hush!", ["hush!"])
    'user alice, password ********'
    >>> masked("SaslAuthenticateRequest(version=2, auth_bytes=b'\\x00alice\\x00x') Authorization: Bearer eyJ.x-y", [])
    'SaslAuthenticateRequest(version=2, auth_bytes=********) Authorization: Bearer ********'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, MASK).replace(json.dumps(secret)[1:-1], MASK)
    return SIGNING.sub(rf"\1\2{MASK}", text)


def without_debug_traces(record: logging.LogRecord) -> bool:
    """Filter that puts what Kafka's client tells of an error at the level debug into a line.

    At a stop the client notes each request that it cancels with a traceback, which looks like a failure.
    """
    if record.name.startswith("kafka.") and record.levelno <= logging.DEBUG and record.exc_info:
        record.msg, record.args = f"{record.getMessage()}: {record.exc_info[1]!r}", ()
        record.exc_info = record.exc_text = None
    return True


class TextLines(logging.Formatter):
    """Lines for people: time, level, who, message.

    Parameters
    ----------
    who
        Stands in each line where several processes write to one log; "" for none.
    secrets
        Never written.
    """

    def __init__(self, who: str, secrets: Sequence[str]) -> None:
        name = f"[{who}] " if who else ""
        super().__init__(f"%(asctime)s %(levelname)-7s {name}%(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """One line; more where there is a traceback."""
        return masked(super().format(record), self._secrets)


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, worker, and `exception` where there is a traceback.

    Parameters
    ----------
    worker
        Number of the worker that writes; None for the parent, or for a process that works alone.
    secrets
        Never written.
    """

    def __init__(self, worker: int | None, secrets: Sequence[str]) -> None:
        super().__init__()
        self._worker, self._secrets = worker, secrets

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message holds."""
        told: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")[:-6] + "Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage(), self._secrets),
            "worker": self._worker,
        }
        if record.exc_info:
            told["exception"] = masked(self.formatException(record.exc_info), self._secrets)
        return json.dumps(told, ensure_ascii=False)


class Troubles(logging.Handler):
    """Remembers the last warnings and errors, for a bug report.

    Parameters
    ----------
    secrets
        Never remembered.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(TextLines("", secrets))
        self._lines: deque[str] = deque(maxlen=MOST_TROUBLES)

    def emit(self, record: logging.LogRecord) -> None:
        """Remember one."""
        self._lines.append(self.format(record)[:LONGEST])

    def lines(self) -> tuple[str, ...]:
        """The oldest first."""
        return tuple(self._lines)
