"""Settings as text: a TOML file, a sample of one, a table."""

import re
import textwrap

import msgspec
from msgspec import structs

from pipeline.log_lines import MASK
from pipeline.settings.daemon import Settings
from pipeline.settings.declared import FIELDS, SECTIONS
from pipeline.settings.values import written

_SIGNED_IN = re.compile(r"(\w[\w+.-]*://)([^/@]+)@")  # a URL that signs in: s3://KEY:SECRET@bucket


def to_toml(settings: Settings, mask: bool = True) -> str:
    """Write every setting as TOML; with `mask`, secrets as asterisks."""
    lines: list[str] = []
    for section, values in structs.asdict(settings).items():
        lines += ["", f"[{section}]"]
        for key, value in structs.asdict(values).items():
            is_hidden = mask and value and FIELDS[section][key].is_secret
            shown = _SIGNED_IN.sub(rf"\1{MASK}@", value) if mask and isinstance(value, str) else value
            lines.append(f"{key} = {written(MASK if is_hidden else shown)}")
    return "\n".join(lines[1:]) + "\n"


def secrets(settings: Settings) -> tuple[str, ...]:
    """The values that must not be shown anywhere: passwords, tokens, and what signs in within a URL."""
    values = msgspec.to_builtins(settings)
    named = [values[name][key] for name in FIELDS for key, field in FIELDS[name].items() if field.is_secret]
    within = _SIGNED_IN.match(settings.checkpoints.url)
    return tuple(str(one) for one in (*named, *(within[2].split(":")[1:] if within else ())) if one)


def sample() -> str:
    """Write a settings file in which every setting is explained and out-commented with its default."""
    lines = [
        "# Settings of lstm-stream. Everything is optional: to change a default, take away the # before its key.",
        "# The environment goes before this file (LSTM_STREAM_KAFKA__GROUP=x), --set kafka.group=x before both.",
    ]
    for section, fields in FIELDS.items():
        lines += ["", "", f"# {SECTIONS[section].__doc__}", f"[{section}]"]
        for field in fields.values():
            lines += [
                "",
                *_comment(field.explanation),
                f"#{field.name} = {written(field.default)}",
            ]
    return "\n".join(lines) + "\n"


def table() -> str:
    """Write the table of all settings in Markdown."""
    rows = [
        f"| `{section}.{field.name}` | `{written(field.default)}` | {field.explanation} |"
        for section, fields in FIELDS.items()
        for field in fields.values()
    ]
    return "\n".join(["| setting | default | what it does |", "|---|---|---|", *rows]) + "\n"


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, width=100, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
