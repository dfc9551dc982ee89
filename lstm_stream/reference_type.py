"""What numba has to know of a reference to a NamedTuple: its type, its fields' types, and how to read one.

A reference is the address of its words (8 bytes each). A number has one, a NamedTuple within has one, which is its own
address, and an array has one for the address of its data and one for each axis' length.
See https://numba.readthedocs.io/en/stable/extending/low-level.html.
"""

from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, imputils, types
from numba.core.datamodel import models, registry
from numba.core.typing import templates
from numba.np.arrayobj import make_array, populate_array

WORD = ir.IntType(64)
WORDS = WORD.as_pointer()


class ReferenceType(types.Type):
    """Of a reference to a NamedTuple whose fields have these types."""

    def __init__(self, name: str, fields: tuple[tuple[str, types.Type], ...]) -> None:
        self.fields = dict(fields)
        self.place: dict[str, int] = {}  # of a field's first word
        end = 0
        for field, kind in fields:
            self.place[field] = end
            end += 1 + kind.ndim if isinstance(kind, types.Array) else 1
        super().__init__(f"Reference({name}: {', '.join(f'{field} {kind}' for field, kind in fields)})")


def _unbox(_kind: ReferenceType, reference: Any, context: Any) -> Any:
    """The address that a `Reference` of Python holds."""
    address = context.pyapi.object_getattr_string(reference, "address")
    words = context.builder.bitcast(context.pyapi.long_as_voidptr(address), WORDS)
    context.pyapi.decref(address)
    return extending.NativeValue(words, is_error=cgutils.is_not_null(context.builder, context.pyapi.err_occurred()))


def _read(context: Any, builder: Any, kind: ReferenceType, words: Any, name: str) -> Any:
    """Code that reads a field."""
    field, place = kind.fields[name], kind.place[name]
    first = _word(builder, words, place)
    if isinstance(field, ReferenceType):
        return builder.inttoptr(first, WORDS)
    if isinstance(field, types.Array):
        shape = [_word(builder, words, place + 1 + axis) for axis in range(field.ndim)]
        return _array(context, builder, field, first, shape)
    if isinstance(field, types.Float):
        return builder.bitcast(first, ir.DoubleType())
    return context.cast(builder, first, types.int64, field)


def _word(builder: Any, words: Any, place: int) -> Any:
    value = builder.load(builder.gep(words, [ir.Constant(WORD, place)]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


def _array(context: Any, builder: Any, kind: types.Array, data: Any, shape: list[Any]) -> Any:
    """An array in row order that nobody counts references to: the `Reference` keeps it."""
    array = make_array(kind)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides: list[Any] = []
    size = itemsize
    for length in reversed(shape):
        strides.insert(0, size)
        size = builder.mul(size, length)
    pointer = builder.inttoptr(data, array.data.type)
    populate_array(array, data=pointer, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return array._getvalue()


def _model(manager: Any, kind: ReferenceType) -> Any:
    """In memory, an address."""
    return models.PrimitiveModel(manager, kind, WORDS)


def _type_of_field(_context: Any, kind: ReferenceType, name: str) -> types.Type | None:
    return kind.fields.get(name)


registry.register_default(ReferenceType)(_model)
templates.infer_getattr(
    type("Fields", (templates.AttributeTemplate,), {"key": ReferenceType, "generic_resolve": _type_of_field})
)
imputils.lower_getattr_generic(ReferenceType)(_read)
extending.unbox(ReferenceType)(_unbox)
