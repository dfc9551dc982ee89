"""The state of each alert, as Prometheus knows it."""

import urllib.request
from collections.abc import Iterator, Sequence
from urllib.error import URLError

import msgspec

STATES = ("firing", "pending", "inactive")
"""The worst first."""


class AlertsError(RuntimeError):
    """Prometheus cannot be asked; the message is the fix."""


class Active(msgspec.Struct, frozen=True, rename="camel"):
    """An alert that is pending or fires, for one set of labels."""

    labels: dict[str, str]
    annotations: dict[str, str]
    state: str
    active_at: str


class Rule(msgspec.Struct, frozen=True, rename="camel"):
    """An alert as it is declared, and where it stands."""

    name: str = ""
    type: str = ""
    state: str = "inactive"
    labels: dict[str, str] = {}
    alerts: tuple[Active, ...] = ()
    health: str = ""
    last_error: str = ""


class _Group(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...]


class _Data(msgspec.Struct, frozen=True):
    groups: tuple[_Group, ...]


class _Answer(msgspec.Struct, frozen=True):
    data: _Data


def alerts(url: str) -> tuple[Rule, ...]:
    """The alerts of a Prometheus, those that fire first.

    Raises
    ------
    AlertsError
        It does not answer, or is no Prometheus.
    """
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/api/v1/rules?type=alert", timeout=10) as answer:
            groups = msgspec.json.decode(answer.read(), type=_Answer).data.groups
    except (URLError, OSError, ValueError, msgspec.DecodeError) as error:
        raise AlertsError(f"no Prometheus answers at {url} ({error}); name it with --prometheus") from error
    rules = [rule for group in groups for rule in group.rules if rule.type == "alerting"]
    return tuple(sorted(rules, key=lambda rule: STATES.index(rule.state)))


def lines(rules: Sequence[Rule]) -> Iterator[str]:
    """Each alert in a line, below it what it is about where it is not inactive."""
    for rule in rules:
        yield f"{rule.state:9} {rule.labels.get('severity', ''):9} {rule.name}"
        if rule.health == "err":
            yield f"          cannot be asked: {rule.last_error}"
        for one in rule.alerts:
            yield f"          since {one.active_at[:19]}Z: {one.annotations.get('summary', '')}"
