"""What the declarations say of each setting."""

from typing import NamedTuple

from msgspec import Struct, inspect, structs

from pipeline.settings.daemon import Settings
from pipeline.settings.values import written


class Field(NamedTuple):
    """What a declaration says."""

    name: str
    default: object
    explanation: str
    expected: str
    readable: tuple[type, ...]  # TOML values that are taken as such; text that reads as another stands for itself
    type: object
    is_secret: bool
    is_reloaded: bool


def _fields(section: type[Struct]) -> dict[str, Field]:
    return {field.name: _field(field) for field in structs.fields(section)}


def _field(field: structs.FieldInfo) -> Field:
    declared = inspect.type_info(field.type)
    assert isinstance(declared, inspect.Metadata)
    is_text = _is_text(declared.type)
    extra = declared.extra or {}
    expected = str(extra.get("expected") or _expected(declared.type))
    expects = "" if is_text else f" ({expected})"
    reloads = " SIGHUP reloads it." if extra.get("reloaded") else ""
    takes_text = isinstance(declared.type, inspect.UnionType) and any(map(_is_text, declared.type.types))
    return Field(
        name=field.name,
        default=field.default,
        explanation=str((declared.extra_json_schema or {})["description"]) + reloads + expects,
        expected=expected,
        type=field.type,
        readable=(str,) if is_text else (str, list) if takes_text else (object,),
        is_secret=bool(extra.get("secret")),
        is_reloaded=bool(extra.get("reloaded")),
    )


def _is_text(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.StrType)


def _expected(kind: inspect.Type) -> str:
    """Say in words what a type takes."""
    match kind:
        case inspect.LiteralType(values=values):
            return " or ".join(written(value) for value in values)
        case inspect.UnionType(types=types):
            return " or ".join(_expected(one) for one in types)
        case inspect.VarTupleType(item_type=item, min_length=least):
            return f"a list{' of one or more' if least else ''}, each {_expected(item)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_range(kind)}"
        case inspect.FloatType():
            return f"a number{_range(kind)}"
        case inspect.StrType(pattern=str()):
            return "a topic's name: letters, digits, `.`, `_` and `-`"
        case inspect.StrType(min_length=least):
            return "text that is not empty" if least else "text"
    raise TypeError(f"no words for {kind}; add them here")


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    bounds = {"from": kind.ge, "above": kind.gt, "to": kind.le, "below": kind.lt}
    return "".join(f" {word} {bound}" for word, bound in bounds.items() if bound is not None)


SECTIONS: dict[str, type[Struct]] = {field.name: field.type for field in structs.fields(Settings)}
FIELDS = {name: _fields(section) for name, section in SECTIONS.items()}
