"""Weights of the pretrained network: those of the package, or others in a file of the same form.

A file is safetensors with the tensors of `shapes` in half precision, and in its metadata a `Card` in JSON.

Letters: I inputs, U units, P horizons of the weights.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import structs
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lstm_stream.arithmetic import Floats
from lstm_stream.pretrained import FEATURES, HORIZON, INPUTS, OUTPUTS

FILE = "pretrained.safetensors"
FEWEST_UNITS, MOST_UNITS = 8, 256
DIGITS = 16
"""Of a digest."""

Weight = npt.NDArray[np.float16]


class WeightsError(ValueError):
    """Weights that this version cannot use: what was found, what was expected, and the fix, in one line."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of weights tells of them.

    Attributes
    ----------
    data
        What it was trained on, one line for each source.
    steps, batch, rate, device
        Training steps, series of each, largest learning rate, and where torch trained.
    seed
        Of the first weights, the generated series and the order of the examples.
    began_with
        Digest of the weights that training started from; "": from random ones.
    features, units, horizon
        Version of the features that the network reads, U and P: `to_bytes` writes them.
    scores
        Errors on what was not trained on, by what they are of.
    """

    data: tuple[str, ...]
    steps: int
    batch: int
    rate: float
    device: str
    seed: int
    began_with: str = ""
    features: int = 0
    units: int = 0
    horizon: int = 0
    scores: dict[str, list[float]] = {}


@dataclass(frozen=True, eq=False, repr=False)
class PretrainedWeights:
    """Weights that have the right names and shapes and are finite; make them with `of_bytes` or `of_arrays`.

    Parameters
    ----------
    arrays
        By the names of torch; nobody changes them.
    card
        None: it is not known.
    """

    arrays: Mapping[str, Weight]
    card: Card | None = None

    @classmethod
    def of_bytes(cls, content: bytes) -> "PretrainedWeights":
        """The weights of a file.

        Raises
        ------
        WeightsError
            It holds none that this version can use.
        """
        try:
            arrays = load(content)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise WeightsError(
                f"found {_beginning(content)}, expected a safetensors file; make one with `lstm-stream pretrain`"
            ) from error
        card = _card(content)
        if card.features != FEATURES:
            raise WeightsError(
                f"found weights for version {card.features} of the features, expected version {FEATURES}; make them"
                " anew with `lstm-stream pretrain`, or use the version of lstm-stream that made them"
            )
        return cls(cls.of_arrays(arrays).arrays, card)

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, npt.NDArray[np.generic]]) -> "PretrainedWeights":
        """Weights of any precision by their names; they are rounded to half precision.

        Raises
        ------
        WeightsError
            They have other names or shapes, or are no finite numbers.
        """
        _check_shapes(arrays)
        halved = {name: _halved(name, arrays[name]) for name in sorted(arrays)}
        return cls(halved)

    def to_bytes(self, card: Card) -> bytes:
        """A file of them with this card, for `of_bytes`."""
        card = structs.replace(card, features=FEATURES, units=self.units, horizon=HORIZON)
        return save(dict(self.arrays), {"card": msgspec.json.encode(card).decode()})

    @property
    def units(self) -> int:
        """U; 0: there is no network."""
        return int(self.arrays["lstm.weight_hh_l0"].shape[1]) if self.arrays else 0

    @cached_property
    def digest(self) -> str:
        """Names these weights, wherever they lie: others have another one, and none has ""."""
        if not self.arrays:
            return ""
        content = sha256()
        for name, array in sorted(self.arrays.items()):
            content.update(f"{name}{array.shape}".encode())
            content.update(np.ascontiguousarray(array, "<f2").tobytes())
        return content.hexdigest()[:DIGITS]

    def singles(self) -> dict[str, Floats]:
        """The weights in single precision."""
        return {name: array.astype(np.float32) for name, array in self.arrays.items()}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PretrainedWeights) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<PretrainedWeights {self.digest}, {self.units} units>"


NONE = PretrainedWeights({})
"""Of no network."""


def shapes(units: int) -> dict[str, tuple[int, ...]]:
    """Shapes of the weights of a network of so many units, by the names of torch."""
    return {
        "head.bias": (OUTPUTS * HORIZON,),
        "head.weight": (OUTPUTS * HORIZON, units + INPUTS),
        "lstm.bias_hh_l0": (4 * units,),
        "lstm.bias_ih_l0": (4 * units,),
        "lstm.weight_hh_l0": (4 * units, units),
        "lstm.weight_ih_l0": (4 * units, INPUTS),
    }


@cache
def packaged() -> PretrainedWeights:
    """The weights in the package."""
    return PretrainedWeights.of_bytes((files("lstm_stream") / FILE).read_bytes())


def chosen(weights: PretrainedWeights | None, pretrained: bool) -> PretrainedWeights:
    """These weights, or else those of the package; none without a pretrained network.

    Raises
    ------
    WeightsError
        There are weights, and no network that they are for.
    """
    if weights and not pretrained:
        raise WeightsError("found weights and pretrained=False, expected one of them; leave one out")
    return (weights or packaged()) if pretrained else NONE


def kept(arrays: Mapping[str, npt.NDArray[np.generic]], digest: str) -> PretrainedWeights | None:
    """The weights that a dump rests on: it holds them, or they are those of the package; None: it rests on none.

    Raises
    ------
    WeightsError
        It rests on others.
    """
    if not digest:
        return None
    found = PretrainedWeights.of_arrays(arrays) if arrays else packaged()
    if found.digest != digest:
        raise WeightsError(f"found the pretrained weights {found.digest}, expected {digest}")
    return found


def _check_shapes(arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    hidden = arrays.get("lstm.weight_hh_l0")
    units = hidden.shape[-1] if hidden is not None and hidden.ndim else FEWEST_UNITS
    if not FEWEST_UNITS <= units <= MOST_UNITS:
        raise WeightsError(
            f"found a network of {units} units, expected {FEWEST_UNITS} to {MOST_UNITS}; give another --units to"
            " `lstm-stream pretrain`"
        )
    expected = shapes(units)
    for name in sorted(expected.keys() | arrays.keys()):
        found = str(arrays[name].shape) if name in arrays else "none"
        wanted = str(expected.get(name, "none"))
        if found != wanted:
            raise WeightsError(
                f"found tensor `{name}` {found}, expected {wanted}; make weights with this version's"
                " `lstm-stream pretrain`"
            )


def _halved(name: str, array: npt.NDArray[np.generic]) -> Weight:
    if array.dtype.kind != "f":
        raise WeightsError(f"found tensor `{name}` of {array.dtype}, expected float16 or float32; write it as such")
    with np.errstate(over="ignore"):
        halved = np.ascontiguousarray(array, np.float16)
    if not np.isfinite(halved).all():
        worst = float(array[~np.isfinite(halved)][0])
        what = worst if math.isnan(worst) else f"{worst:g}"
        raise WeightsError(
            f"found {what} in tensor `{name}`, expected finite numbers below 65,504; the training has failed, make"
            " the weights anew"
        )
    return halved


def _card(content: bytes) -> Card:
    try:
        header = msgspec.json.decode(content[8 : 8 + int.from_bytes(content[:8], "little")], type=_FileHeader)
        return msgspec.json.decode(header.metadata["card"], type=Card)
    except (msgspec.MsgspecError, KeyError) as error:
        found = "no card" if isinstance(error, KeyError) else f"a card that cannot be read ({error})"
        raise WeightsError(
            f"found {found} in the metadata, expected one that tells features, units and training; make weights with"
            " `lstm-stream pretrain`"
        ) from error


class _FileHeader(msgspec.Struct):
    metadata: dict[str, str] = msgspec.field(name="__metadata__", default_factory=dict)


def _beginning(content: bytes) -> str:
    return f"{len(content):,} bytes that begin with {content[:12]!r}" if content else "an empty file"
