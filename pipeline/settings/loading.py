"""Settings as they are brought together: defaults, a file, the environment, `--set`."""

import difflib
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from pipeline.log_lines import MASK
from pipeline.settings.daemon import Settings
from pipeline.settings.declared import FIELDS, SECTIONS, Field
from pipeline.settings.values import PREFIX, SettingsError, in_short, variable, written


class _Given(NamedTuple):
    """One value that somebody set, and where."""

    section: str
    key: str
    value: object
    source: str
    is_raw: bool  # of an environment variable or --set: text still to be read as TOML


def load(path: str | None, environment: Mapping[str, str], overrides: Sequence[str]) -> Settings:
    """Bring the settings together: defaults < file < environment < overrides.

    Parameters
    ----------
    path
        A TOML file, or None.
    environment
        Usually `os.environ`; names that do not begin with `LSTM_STREAM_` are ignored.
    overrides
        `section.key=value` each, as from `--set`.

    Raises
    ------
    SettingsError
        Whatever is wrong, in one line that names where it came from and says the fix.
    """
    given = list(map(_secret, (*_from_file(path), *_from_environment(environment), *_from_overrides(overrides))))
    sections = {name: _section(name, [one for one in given if one.section == name]) for name in FIELDS}
    settings = msgspec.convert(sections, Settings)
    _check_steps(settings, [one.source for one in given if (one.section, one.key) == ("metrics", "steps")])
    return settings


def _check_steps(settings: Settings, sources: Sequence[str]) -> None:
    if max(settings.metrics.steps) > settings.model.horizon:
        raise SettingsError(
            f"{sources[-1]}: metrics.steps is {written(settings.metrics.steps)}, and model.horizon is"
            f" {settings.model.horizon}; name steps up to that"
        )


def _from_file(path: str | None) -> Iterator[_Given]:
    if path is None:
        return
    for section, table in _read(path).items():
        _check_section(section, path)
        if not isinstance(table, dict):
            raise SettingsError(f"{path}: {section} is {in_short(table)}; expected a section, [{section}]")
        for key, value in table.items():
            yield _Given(section, key, value, path, is_raw=False)


def _read(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}; name a settings file that can be read") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except ValueError as error:
        raise SettingsError(f"{path}: not TOML: {error}; text needs quotes, a section [brackets]") from error


def _from_environment(environment: Mapping[str, str]) -> Iterator[_Given]:
    for name in sorted(environment):
        section, separator, key = name.removeprefix(PREFIX).lower().partition("__")
        if name.startswith(PREFIX) and separator:
            _check_section(section, name)
            yield _Given(section, key, environment[name], name, is_raw=True)
        # Kubernetes sets LSTM_STREAM_WEB_PORT=tcp://... by itself for a service named lstm-stream-web.
        elif name in _MISNAMED and not environment[name].startswith("tcp://"):
            raise SettingsError(f"{name}: a section ends in two underscores; name it {_MISNAMED[name]}")


def _from_overrides(overrides: Sequence[str]) -> Iterator[_Given]:
    for override in overrides:
        name, equals, text = override.partition("=")
        section, dot, key = name.strip().partition(".")
        source = f"--set {name.strip()}"
        if not (equals and dot):
            raise SettingsError(f"{source}: expected SECTION.KEY=VALUE, such as --set model.horizon=24")
        _check_section(section, source)
        yield _Given(section, key, text, source, is_raw=True)


def _secret(given: _Given) -> _Given:
    """Read a secret from the file that is named in its place, as by `token_file` for `token`."""
    field = FIELDS[given.section].get(given.key.removesuffix("_file"))
    if given.key in FIELDS[given.section] or field is None or not field.is_secret:
        return given
    try:
        with open(str(given.value), encoding="utf-8") as file:
            content = file.read(100_000).rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{given.source}: {given.section}.{given.key} is {in_short(given.value)}: {told}; name a file that can"
            " be read"
        ) from error
    return given._replace(key=field.name, value=content, is_raw=True)


def _check_section(name: str, source: str) -> None:
    if name not in FIELDS:
        homes = [section for section, fields in FIELDS.items() if name in fields]
        hint = f"the key is in [{homes[0]}]" if homes else _suggestion(name, FIELDS)
        raise SettingsError(f"{source}: unknown section `{name}`; {hint}")


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else f"known are {', '.join(known)}"


def _section(name: str, given: Sequence[_Given]) -> Struct:
    """Check each value alone, then all of them together."""
    values = {one.key: _checked(one) for one in given}
    sources = {one.key: one.source for one in given}
    try:
        return SECTIONS[name](**values)
    except SettingsError as error:
        blamed = dict.fromkeys(sources[key] for key in error.keys if key in sources)
        raise SettingsError(f"{', '.join(blamed)}: {error}") from error


def _checked(given: _Given) -> object:
    """Return the value in its declared type."""
    field = FIELDS[given.section].get(given.key)
    if field is None:
        hint = _suggestion(given.key, FIELDS[given.section])
        raise SettingsError(f"{given.source}: unknown key `{given.key}` in [{given.section}]; {hint}")
    value = _parsed(str(given.value), field) if given.is_raw else given.value
    try:
        return msgspec.convert(_finite(value), field.type)
    except msgspec.ValidationError as error:
        found = MASK if field.is_secret else in_short(value)
        raise SettingsError(
            f"{given.source}: {given.section}.{given.key} is {found}; expected {field.expected}"
        ) from error


def _parsed(text: str, field: Field) -> object:
    """Read text as a TOML value; what is none, or not of a text's type, stands for itself."""
    if field.is_secret:
        return text
    try:
        document = tomllib.loads(f"value = {text}")
    except ValueError:
        return text.strip()
    value: object = document["value"]
    return value if len(document) == 1 and isinstance(value, field.readable) else text.strip()


def _finite(value: object) -> object:
    """Pass the value on, unless it holds a NaN or an infinity, which no range stops."""
    if any(
        isinstance(one, float) and not math.isfinite(one) for one in (value if isinstance(value, list) else [value])
    ):
        raise msgspec.ValidationError("not a finite number")
    return value


_MISNAMED = {
    variable(section, key).replace("__", "_"): variable(section, key) for section in FIELDS for key in FIELDS[section]
}
