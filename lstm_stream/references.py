"""NamedTuples of arrays, handed to compiled code by reference.

Numba hands a tuple over by value: a NamedTuple of two hundred arrays becomes more than a thousand arguments of each
function, which is slow to compile and slow to call. A reference is one address. Behind it lies a word (8 bytes) for
each number and each part of an array's header, and the address of each NamedTuple within. Compiled code reads
`state.history.age[i]` the same way from either.

The words never change while compiled code runs, and are marked so: the compiler may read one once for a whole loop.
"""

from functools import lru_cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.datamodel import models
from numba.core.datamodel.registry import register_default
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import NativeValue, unbox
from numba.np.arrayobj import make_array, populate_array
from numba.np.numpy_support import from_dtype

Value = TypeVar("Value", bound=tuple[Any, ...])

WORD = ir.IntType(64)


class Reference:
    """The address of a NamedTuple's words, for compiled code.

    Raises
    ------
    TypeError
        A field is neither an array in row order, nor a number, nor a NamedTuple of such.
    """

    def __init__(self, value: tuple[Any, ...]) -> None:
        self.value = value  # keeps the arrays
        self.parts = [Reference(field) if isinstance(field, tuple) else None for field in value]  # keep their words
        words: list[int] = []
        kinds: list[Kind] = []
        for field, part in zip(value, self.parts, strict=True):
            if part is not None:
                words.append(part.address)
                kinds.append(part._numba_type_)
            elif isinstance(field, np.ndarray):
                if not field.flags.c_contiguous:
                    raise TypeError(f"an array (shape {field.shape}) of {type(value).__name__} is not in row order")
                words += [field.ctypes.data, *field.shape]
                kinds.append((field.dtype, field.ndim))
            else:
                words.append(np.float64(field).view(np.int64) if isinstance(field, float) else int(field))
                kinds.append(type(field))
        self.words = np.array(words, np.int64)
        self.address: int = self.words.ctypes.data
        self._numba_type_ = _type_of(type(value), tuple(kinds))


class References:
    """References to what was last handed over of each class of NamedTuples."""

    def __init__(self) -> None:
        self._last: dict[type, Any] = {}

    def __call__(self, value: Value) -> Value:
        """The reference to a NamedTuple, made anew only where it is another one than last time."""
        last = self._last.get(type(value))
        if last is None or last.value is not value:
            last = self._last[type(value)] = refer(value)
        return cast(Value, last)


def refer(value: Value) -> Value:
    """A reference to a NamedTuple, as an argument of compiled code; in plain Python it is the NamedTuple itself."""
    if numba.config.DISABLE_JIT:
        return value
    return cast(Value, Reference(value))


@lru_cache
def _type_of(named: Any, kinds: "tuple[Kind, ...]") -> "ReferenceType":
    fields = tuple(zip(named._fields, (_field(kind) for kind in kinds), strict=True))
    return ReferenceType(named.__name__, fields)


def _field(kind: "Kind") -> types.Type:
    if isinstance(kind, ReferenceType):
        return kind
    if isinstance(kind, tuple):
        return types.Array(from_dtype(kind[0]), kind[1], "C")
    return {bool: types.boolean, int: types.int64, float: types.float64}[kind]


class ReferenceType(types.Type):
    """Of a reference to a NamedTuple whose fields have these types."""

    def __init__(self, name: str, fields: tuple[tuple[str, types.Type], ...]) -> None:
        self.fields = dict(fields)
        self.place: dict[str, int] = {}  # of a field's first word
        end = 0
        for field, kind in fields:
            self.place[field] = end
            end += 1 + kind.ndim if isinstance(kind, types.Array) else 1
        super().__init__(name=f"Reference({name}: {', '.join(f'{field} {kind}' for field, kind in fields)})")


Kind = ReferenceType | tuple[np.dtype[Any], int] | type
"""What a field's type follows from: a reference's type, dtype and number of axes of an array, or a number's class."""


@register_default(ReferenceType)
class _Model(models.PrimitiveModel):
    """An address."""

    def __init__(self, manager: Any, kind: ReferenceType) -> None:
        super().__init__(manager, kind, WORD.as_pointer())


@unbox(ReferenceType)
def _unbox(kind: ReferenceType, reference: Any, context: Any) -> NativeValue:
    address = context.pyapi.object_getattr_string(reference, "address")
    value = context.pyapi.long_as_voidptr(address)
    context.pyapi.decref(address)
    pointer = context.builder.bitcast(value, WORD.as_pointer())
    return NativeValue(pointer, is_error=cgutils.is_not_null(context.builder, context.pyapi.err_occurred()))


@infer_getattr
class _Fields(AttributeTemplate):
    """Types of the fields."""

    key = ReferenceType

    def generic_resolve(self, kind: ReferenceType, name: str) -> types.Type | None:
        return kind.fields.get(name)


@lower_getattr_generic(ReferenceType)
def _read(context: Any, builder: Any, kind: ReferenceType, words: Any, name: str) -> Any:
    """Read a field from its words."""
    field, place = kind.fields[name], kind.place[name]
    first = _word(builder, words, place)
    if isinstance(field, ReferenceType):
        return builder.inttoptr(first, WORD.as_pointer())
    if isinstance(field, types.Array):
        return _array(context, builder, field, first, [_word(builder, words, place + 1 + d) for d in range(field.ndim)])
    if isinstance(field, types.Float):
        return builder.bitcast(first, ir.DoubleType())
    return context.cast(builder, first, types.int64, field)


def _word(builder: Any, words: Any, place: int) -> Any:
    value = builder.load(builder.gep(words, [ir.Constant(WORD, place)]))
    value.set_metadata("invariant.load", builder.module.add_metadata([]))
    return value


def _array(context: Any, builder: Any, kind: types.Array, data: Any, shape: list[Any]) -> Any:
    array = make_array(kind)(context, builder)
    itemsize = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    strides, size = [], itemsize
    for length in reversed(shape):
        strides.insert(0, size)
        size = builder.mul(size, length)
    pointer = builder.inttoptr(data, array.data.type)
    populate_array(array, data=pointer, shape=shape, strides=strides, itemsize=itemsize, meminfo=None)
    return array._getvalue()
