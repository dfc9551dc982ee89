"""The JSON schema of the Helm chart's values: its part `settings` is what `pipeline.settings` declares."""

from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

import msgspec
from msgspec import structs

from pipeline.settings import Settings

SET_BY_THE_CHART = {
    "kafka": {"instance"},
    "web": {"host", "port", "tls_certfile", "tls_keyfile"},
    "checkpoints": {"url"},
}

Schema = dict[str, Any]


def values_schema(written: Mapping[str, Any]) -> Schema:
    """The schema with its part `settings` as the settings are now; the rest is written by hand and kept."""
    (_,), definitions = msgspec.json.schema_components([Settings], ref_template="#/definitions/{name}")
    sections = get_type_hints(Settings)
    described = {section: _section(section, kind, definitions[kind.__name__]) for section, kind in sections.items()}
    settings = {
        "description": "lstm-stream.toml, section by section. Without secrets, and without what the chart sets.",
        "type": "object",
        "additionalProperties": False,
        "required": ["kafka"],
        "properties": described,
    }
    return {**written, "properties": {**written["properties"], "settings": settings}}


def _section(section: str, kind: type, definition: Mapping[str, Any]) -> Schema:
    left_out = SET_BY_THE_CHART.get(section, set()) | {name for name in _keys(kind) if _is_secret(kind, name)}
    described = {key: _plain(one) for key, one in definition["properties"].items() if key not in left_out}
    needed = {"required": ["bootstrap_servers"]} if section == "kafka" else {}
    return {
        "description": definition["description"],
        "type": "object",
        "additionalProperties": False,
        **needed,
        "properties": described,
    }


def _keys(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in structs.fields(kind))


def _is_secret(kind: type, key: str) -> bool:
    """A secret has no place in values: they lie in the cluster as a ConfigMap, and in Helm's history."""
    marks = get_args(get_type_hints(kind, include_extras=True)[key])[1:]
    return any(isinstance(mark, msgspec.Meta) and (mark.extra or {}).get("secret") for mark in marks)


def _plain(schema: Schema) -> Schema:
    """Without defaults, which the daemon knows, and patterns, which are Python's and not of Helm's dialect."""
    return {key: _plain_value(value) for key, value in schema.items() if key not in ("default", "pattern")}


def _plain_value(value: object) -> object:
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    return _plain(value) if isinstance(value, dict) else value
