"""The pretrained network's weights that the settings name: a file that is read once, at the start."""

import contextlib

from lstm_stream import PretrainedWeights, WeightsError, packaged
from pipeline.checkpoints.stores import CheckpointError, Purpose, opened, reaching, store_of
from pipeline.checkpoints.tensor_file import Source
from pipeline.settings import Model

MOST_BYTES = 1 << 24
"""Of a file: ten times what the most units need in single precision."""
WEIGHTS = Purpose("weights", "model.weights", "the path of a file, s3://bucket/file or gs://bucket/file")


def read_weights(model: Model) -> PretrainedWeights | None:
    """The weights of the file that `model.weights` names; None: it names none.

    Raises
    ------
    WeightsError
        The file is not there, cannot be read, or holds nothing that this version can use; in one line, with the fix.
    """
    if not model.weights:
        return None
    try:
        content = _content(model.weights)
        if len(content) > MOST_BYTES:
            raise WeightsError(
                f"found more than {MOST_BYTES:,} bytes, expected less than 2 million; name a file made by `lstm-stream"
                " pretrain`"
            )
        return PretrainedWeights.of_bytes(content)
    except CheckpointError as error:
        raise WeightsError(str(error)) from error
    except WeightsError as error:
        raise WeightsError(f"model.weights is {model.weights}: {error}") from error


def name_of(model: Model) -> str:
    """What an operator calls the weights in use: `packaged`, or the file's name; "" without a pretrained network."""
    if not model.pretrained:
        return ""
    return model.weights.rstrip("/").rsplit("/", 1)[-1] or "packaged"


def digest_of(model: Model, weights: PretrainedWeights | None) -> str:
    """Digest of the weights in use; "" without a pretrained network."""
    return (weights or packaged()).digest if model.pretrained else ""


def _content(url: str) -> bytes:
    files, path = store_of(url, WEIGHTS)
    with reaching("read", url, WEIGHTS), contextlib.suppress(FileNotFoundError), opened(files, path) as file:
        return _read(file)
    raise WeightsError("found no such file, expected one made by `lstm-stream pretrain`; correct the path")


def _read(file: Source) -> bytes:
    """All of a file; of one that is larger than weights can be, so much that this shows."""
    content = bytearray()
    while len(content) <= MOST_BYTES and (more := file.read(MOST_BYTES)):
        content += more
    return bytes(content)
