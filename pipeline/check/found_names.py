"""Which fields of events name a series: few of its observations come at one time, and most come again."""

import re
from collections.abc import Sequence

from msgspec import structs

from pipeline.check.columns import Column, inside, last_name
from pipeline.check.decimal_mark import has_commas
from pipeline.check.draft import Draft
from pipeline.check.facts import Facts
from pipeline.check.found_ids import by_ids
from pipeline.check.inventory import TIME_NAME
from pipeline.check.time_fields import time_paths
from pipeline.check.trial import Trial, confusion, is_by_ids, try_out
from pipeline.events.fields import key_text, unframed
from pipeline.events.paths import FieldError
from pipeline.settings import Settings

FEW = 0.02
"""Share of observations that may be late or repeated, until another name is looked for."""
MOST_PARTS = 4
"""Fields of a name."""
MOST_NAMES = 8
"""Candidates of the first field of a name that are tried."""


_ID = re.compile(
    r"(^|[._])(id|nr|no|channel|zone|station|sensor|unit|device|meter|line|node|slot|idx|index|pid|partition|shard|core|cpu|phase"
    r"|circuit)$|_id$|Id$"
)
"""Numbers with such a name may be part of a series' name."""
_BEST_NAMES = (
    *("series", "unique_id", "series_id", "metric", "entity_id", "sensor_id", "sensor", "device_id", "device", "tag"),
    *("tagname", "name", "n", "metricname", "metric_name", "point", "symbol", "ticker", "station", "meter", "host"),
    *("hostname", "source", "subject", "location", "id", "{key}", "channel", "topic"),
)


_WORST_NAMES = re.compile(
    r"(quality|status|state|severity|level|units?|uom|(api_?)?version|proto|protocol|dpt|data_?type|type|message_?type"
    r"|currency|qos|op|action|side|time_?unit|format|encoding|object|kind|class)$",
    re.IGNORECASE,
)
"""What is the same of many things, or changes with one; it names a series only where nothing else does."""


def series(draft: Draft, found: Facts) -> Draft:
    """The fields of a series' name."""
    now = try_out(found.sample, draft.settings)
    is_named = bool(now.taken) and not any(one.reason in ("missing_series", "bad_series") for one, _ in now.rejects)
    if not found.places or (is_named and confusion(now) <= FEW):
        return draft
    better = _by_fields(draft, found, now, is_named)
    tried = try_out(found.sample, better.settings)
    return by_ids(better, found, tried) if not tried.taken or confusion(tried) > FEW else better


def _by_fields(draft: Draft, found: Facts, now: Trial, is_named: bool) -> Draft:
    """A name of the fields of texts, and of ids that are called so."""
    candidates = _names(draft, found)
    if is_named and not is_by_ids(now):
        return _longer(draft, found, candidates, now)
    tried = ((path, try_out(found.sample, _named(draft, path))) for path in candidates[:MOST_NAMES])
    fitting = [(path, trial) for path, trial in tried if trial.taken]
    if not fitting:
        return draft if is_named else _constant(draft, found, now)
    named = [one for one in fitting if not _WORST_NAMES.search(last_name(one[0]))] or fitting
    path, trial = next((one for one in named if confusion(one[1]) <= FEW), named[0])
    before = "the name is an id that each event has of its own" if is_named else f"`{draft.events.series}` is nowhere"
    count, example = len(found.columns[path].texts()), found.columns[path].example()
    names = f"has {count:,} names such as {example}" if count > 1 else f"is {example} in each"
    draft = draft.change("series", path, f"{before}; `{path}` {names}")
    return _longer(draft, found, candidates, trial, f"{before}; ") if confusion(trial) > FEW else draft


def keys(draft: Draft, found: Facts) -> Draft:
    """How the records' keys are written, where they name the series."""
    bare = [place.record.key for place in found.places if place.record.key]
    series_ = draft.events.series
    is_used = "{key}" in series_ or not found.look(series_)
    if draft.events.key != "utf8" or not is_used or not bare:
        return draft
    if 10 * sum(map(_is_json, bare)) >= 9 * len(bare):
        example = key_text(bare[0], "json") if _is_json(bare[0]) else ""
        return draft.change("key", "json", f"keys are JSON, and name the series; the first is then `{example}`")
    if all(map(_is_text, bare)):
        return draft
    if all(map(_is_windowed, bare)):
        return draft.change("key", "windowed", "keys are a text and 8 bytes, a time: the start of a window")
    if all(len(key) in (4, 8) for key in bare):
        return draft.change("key", "int", f"keys are whole numbers of {len(bare[0])} bytes")
    return draft.change("key", "hex", "keys are bytes that are no text")


def _is_windowed(key: bytes) -> bool:
    """Whether it is a text and then a time in milliseconds, as ksqlDB and Kafka Streams write it."""
    start = int.from_bytes(key[-8:], "big")
    return len(key) > 8 and _is_text(key[:-8]) and WINDOWS[0] < start < WINDOWS[1]


WINDOWS = (946_684_800_000, 4_102_444_800_000)
"""Milliseconds: the years 2000 to 2100."""


def _is_json(key: bytes) -> bool:
    """Whether it is an object of JSON or a text in quotes, of which a name can be made."""
    if unframed(key)[:1] not in (b"{", b'"'):
        return False
    try:
        return key_text(key, "json") != key.decode(errors="replace")
    except FieldError:
        return False


def _is_text(key: bytes) -> bool:
    try:
        return key.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _names(draft: Draft, found: Facts) -> list[str]:
    """Fields that may be part of a name, the likeliest first."""
    events = draft.events
    times = time_paths(found, events)
    taken = {*events.values, events.timestamp} | times
    fitting = [
        (path, column)
        for path, column in inside(found.columns).items()
        if path not in taken and _may_name(path, column, found.count) and not _is_constant_kind(path, column)
    ]
    return [path for path, _ in sorted(fitting, key=lambda one: _name_rank(*one))]


def _partly(draft: Draft, found: Facts) -> list[str]:
    """Fields that some events have and that may be part of the name of these, spelt as such: `tags.cpu?`."""
    taken = {*draft.events.values, draft.events.timestamp} | time_paths(found, draft.events)
    columns = {
        path: column
        for path, column in inside(found.columns).items()
        if path not in taken and not path.startswith("{") and len(column.values) < 0.9 * found.count
    }
    fitting = [path for path, column in columns.items() if _may_name(path, column, len(column.values))]
    return [f"{path}?" for path in sorted(fitting, key=lambda path: -len(columns[path].values))[:MOST_NAMES]]


def _is_constant_kind(path: str, column: Column) -> bool:
    """Whether it tells nothing: of what kind all of this is."""
    return len(column.texts()) == 1 and _WORST_NAMES.search(last_name(path)) is not None


def _may_name(path: str, column: Column, count: int) -> bool:
    kinds, distinct = column.types(), len(column.texts())
    if len(column.values) < 0.9 * count or kinds.get("null", 0) or kinds.get("array", 0) or kinds.get("object", 0):
        return False
    if distinct > max(1, 0.5 * count) and count >= 10:
        return False
    if (TIME_NAME.search(path) and not path.startswith("{")) or has_commas(column):
        return False
    if kinds.get("number", 0):
        whole = all(isinstance(value, int) for value in column.values.values())
        return whole and _ID.search(path) is not None
    return max(map(len, column.texts())) <= 200


def _name_rank(path: str, column: Column) -> tuple[object, ...]:
    last = path.rpartition(".")[2].lower() if "{" not in path else path.replace("{header:ce_", "").strip("{}")
    last = "{key}" if path == "{key}" else last
    return (
        _WORST_NAMES.search(last_name(path)) is not None and "type" not in last_name(path).lower(),
        len(column.texts()) == 1,
        "number" in column.types(),
        _BEST_NAMES.index(last) if last in _BEST_NAMES else len(_BEST_NAMES),
        path.count("."),
        -len(column.texts()),
    )


def _named(draft: Draft, *paths: str) -> Settings:
    return structs.replace(draft.settings, events=structs.replace(draft.events, series=spelt(paths)))


def spelt(paths: Sequence[str]) -> str:
    """A name of these fields as `events.series` has it."""
    if len(paths) == 1 and (paths[0].startswith("{") or not set("{}'?") & set(paths[0])):
        return paths[0]
    return "/".join(path if path.startswith("{") else f"{{{path}}}" for path in paths)


def _parts(series: str) -> tuple[str, ...]:
    """The fields of a name that is put together."""
    if "{" not in series:
        return (series,) if "'" not in series else ()
    braces = re.findall(r"\{([^{}]*)\}", series)
    return tuple(f"{{{one}}}" if one in ("key", "topic") or one.startswith("header:") else one for one in braces)


def _longer(draft: Draft, found: Facts, candidates: Sequence[str], now: Trial, before: str = "") -> Draft:
    """Add fields to a name until its observations no longer come at one time."""
    parts = list(_parts(draft.events.series))
    if not any(part.rstrip("?") in found.columns for part in parts):
        parts = ["{key}"] if "{key}" in found.columns else []
    begun, best = len(parts), now
    for others in (
        [path for path in candidates if path not in parts and len(found.columns[path].texts()) > 1],
        _partly(draft, found),
    ):
        while confusion(best) > FEW and len(parts) < MOST_PARTS and others:
            tried = [(path, try_out(found.sample, _named(draft, *parts, path))) for path in others]
            path, trial = min(tried, key=lambda one: round(confusion(one[1]), 2))
            if confusion(trial) > confusion(best) - max(FEW, 0.1 * confusion(best)) or not trial.taken:
                break
            parts, best = [*parts, path], trial
            others.remove(path)
    if len(parts) == begun:
        return draft
    return draft.change("series", spelt(parts), before + _why(parts[:begun], parts[begun:], now, best))


def _why(parts: Sequence[str], added: Sequence[str], now: Trial, best: Trial) -> str:
    """What the fields that were added tell apart."""
    shares = [f"{100 * min(confusion(one), 1.0):.0f} %" for one in (now, best)]
    alone = f"by {', '.join(f'`{path}`' for path in parts)} alone" if parts else "without"
    tells = "tells" if len(added) == 1 else "tell"
    shown = ", ".join(f"`{path}`" for path in added)
    return (
        f"{shown} {tells} apart what comes at one time: {alone} {shares[0]} would be late or repeated, so {shares[1]}"
    )


def _constant(draft: Draft, found: Facts, now: Trial) -> Draft:
    """A topic of one series: no field names it, and its times rise."""
    settings = structs.replace(draft.settings, events=structs.replace(draft.events, series="{topic}"))
    trial = try_out(found.sample, settings)
    if trial.taken and len(trial.taken) > len(now.taken) and confusion(trial) <= 0.2:
        return draft.change("series", "{topic}", "no field and no key names a series, and all times rise: it is one")
    return draft
