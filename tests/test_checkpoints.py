"""Laws of checkpoints: whole or not at all, the newest that is not ahead of the log, an error that is the fix."""

import json
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from pipeline import checkpoints
from pipeline.checkpoints import Address, Checkpoints, read, stores, tensor_file
from pipeline.checkpoints.stores import CheckpointError

ADDRESS = Address("fKDXWpHtTQ", "events", "Yp3vWd", 2)
ARRAYS: dict[str, NDArray[Any]] = {
    "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "names": np.frombuffer(b"pump", np.uint8),
}
KINDS = [np.float32, np.float64, np.int64, np.uint64, np.bool_, np.uint8]

arrays = hnp.arrays(st.sampled_from(KINDS), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Crash(BaseException):
    """The process dies here: nothing of ours may catch it."""


def in_memory(keep: int = 3) -> Checkpoints:
    return Checkpoints(f"memory://{uuid.uuid4().hex}", keep)


def offsets(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.rglob("*.safetensors"))


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(min_size=1), arrays, max_size=4),
    st.dictionaries(st.text(), json_values, max_size=4),
    st.integers(0, 2**63 - 1),
)
def test_what_is_loaded_is_what_was_saved(
    saved: dict[str, NDArray[Any]], header: dict[str, object], offset: int
) -> None:
    store = in_memory()
    saved.pop("__metadata__", None)  # the one name that the format keeps for itself
    url = store.save(ADDRESS, offset, header, saved)
    loaded = store.load(ADDRESS, offset)
    assert loaded is not None
    assert (loaded.offset, loaded.header, loaded.url) == (offset, header, url)
    assert loaded.arrays.keys() == saved.keys()
    for name, array in saved.items():
        again = loaded.arrays[name]
        assert (again.dtype, again.shape, again.tobytes()) == (array.dtype, array.shape, array.tobytes())
    assert read(url).header == header


@settings(max_examples=40, deadline=None)
@given(st.data(), st.dictionaries(st.text(min_size=1), arrays, min_size=1, max_size=4))
def test_blocks_in_any_order_make_the_same_file_which_is_safetensors(
    data: st.DataObject, saved: dict[str, NDArray[Any]]
) -> None:
    saved.pop("__metadata__", None)
    rows = [(name, row) for name, array in saved.items() for row in range(len(array) if array.ndim else 1)]
    blocks = [
        _Rows(row, {name: saved[name][row : row + 1] if saved[name].ndim else saved[name]})
        for name, row in data.draw(st.permutations(rows))
    ]
    shapes = {name: _Like(array.dtype, array.shape) for name, array in saved.items()}
    store, other = in_memory(), in_memory()
    url, whole = store.save_in_parts(ADDRESS, 3, {}, shapes, blocks), other.save(ADDRESS, 3, {}, saved)
    contents = []
    for each, place in ((store, url), (other, whole)):
        with stores.opened(each._files, place.removeprefix("memory://")) as file:
            contents.append(file.read())
    assert contents[0] == contents[1]
    read_by_others = safetensors.numpy.load(contents[0])
    assert {name: array.tobytes() for name, array in read_by_others.items()} == {
        name: array.tobytes() for name, array in saved.items()
    }


class _Rows(NamedTuple):
    row: int
    arrays: dict[str, NDArray[Any]]


class _Like(NamedTuple):
    dtype: np.dtype[Any]
    sizes: tuple[int, ...]


def test_what_is_large_goes_into_an_object_store_through_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "SMALL", 10)
    store = in_memory()
    store.save(ADDRESS, 1, {"a": 1}, ARRAYS)
    loaded = store.load(ADDRESS, 1)
    assert loaded is not None
    assert np.array_equal(loaded.arrays["weights"], ARRAYS["weights"])


def test_blocks_that_end_in_an_error_leave_no_file(tmp_path: Path) -> None:
    def blocks() -> Iterator[_Rows]:
        yield _Rows(0, {"names": ARRAYS["names"]})
        raise LookupError("the rest will not come")

    shapes = {name: _Like(array.dtype, array.shape) for name, array in ARRAYS.items()}
    with pytest.raises(LookupError, match="the rest will not come"):
        Checkpoints(str(tmp_path), 3).save_in_parts(ADDRESS, 20, {}, shapes, blocks())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_loaded_arrays_can_be_changed_in_place() -> None:
    store = in_memory()
    store.save(ADDRESS, 1, {}, ARRAYS)
    loaded = store.load(ADDRESS, 1)
    assert loaded is not None
    loaded.arrays["weights"] += 1
    assert loaded.arrays["weights"][0, 0] == 1


def test_an_array_in_any_memory_order_keeps_its_values() -> None:
    store = in_memory()
    plain = np.arange(24, dtype=np.float64).reshape(4, 6)
    store.save(ADDRESS, 1, {}, {"f": np.asfortranarray(plain), "sliced": plain[::2, 1::2], "t": plain.T})
    loaded = store.load(ADDRESS, 1)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.arrays["f"], plain)
    np.testing.assert_array_equal(loaded.arrays["sliced"], plain[::2, 1::2])
    np.testing.assert_array_equal(loaded.arrays["t"], plain.T)


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}"])
def test_a_plain_path_and_a_file_url_are_the_same_place(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "deep" / "below"
    Checkpoints(form.format(folder), 3).save(ADDRESS, 7, {"a": 1}, ARRAYS)
    expected = folder / "fKDXWpHtTQ" / "events-Yp3vWd" / "2" / "00000000000000000007.safetensors"
    assert expected.is_file()
    assert read(str(expected)).header == {"a": 1}
    loaded = Checkpoints(str(folder), 3).load(ADDRESS, 7)
    assert loaded is not None
    assert loaded.url == str(expected)


def test_the_newest_not_ahead_of_the_log_is_taken(tmp_path: Path) -> None:
    store = Checkpoints(str(tmp_path), 5)
    assert store.load(ADDRESS, 10**9) is None
    for offset in (10, 20, 30):
        store.save(ADDRESS, offset, {"offset": offset}, ARRAYS)
    taken = {at_most: store.load(ADDRESS, at_most) for at_most in (9, 10, 29, 30, 10**9)}
    assert {at_most: found and found.offset for at_most, found in taken.items()} == {
        9: None,
        10: 10,
        29: 20,
        30: 30,
        10**9: 30,
    }


def test_each_address_has_its_own(tmp_path: Path) -> None:
    store = Checkpoints(str(tmp_path), 3)
    others = [
        ADDRESS._replace(cluster="other"),
        ADDRESS._replace(topic_id="recreated"),
        ADDRESS._replace(partition=3),
        ADDRESS._replace(cluster="../..", topic_id="a/b"),
    ]
    for index, address in enumerate([ADDRESS, *others]):
        store.save(address, 5, {"index": index}, {})
    loaded = [store.load(address, 5) for address in [ADDRESS, *others]]
    assert [found and found.header["index"] for found in loaded] == [0, 1, 2, 3, 4]
    assert list(tmp_path.parent.glob("*.safetensors")) == []


def test_the_last_ones_are_kept(tmp_path: Path) -> None:
    store = Checkpoints(str(tmp_path), 3)
    for offset in range(10, 60, 10):
        store.save(ADDRESS, offset, {}, ARRAYS)
    assert offsets(tmp_path) == [30, 40, 50]


def test_those_of_larger_offsets_stay_when_the_group_was_moved_back(tmp_path: Path) -> None:
    store = Checkpoints(str(tmp_path), 2)
    for offset in (100, 200, 10, 20, 30):
        store.save(ADDRESS, offset, {}, ARRAYS)
    assert offsets(tmp_path) == [20, 30, 100, 200]
    taken = store.load(ADDRESS, 99)
    assert taken is not None
    assert taken.offset == 30


def damaged_falls_back(folder: Path, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    taken = Checkpoints(str(folder), 3).load(ADDRESS, 100)
    assert taken is not None
    assert taken.offset == 10


@pytest.fixture
def newest(tmp_path: Path) -> Path:
    store = Checkpoints(str(tmp_path), 3)
    store.save(ADDRESS, 10, {"state": "old"}, ARRAYS)
    return Path(store.save(ADDRESS, 20, {"state": "new"}, ARRAYS))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints.log, "disabled", True)


@pytest.mark.usefixtures("quiet")
def test_a_file_cut_at_any_length_is_never_loaded(tmp_path: Path, newest: Path) -> None:
    content = newest.read_bytes()
    for length in range(len(content)):
        damaged_falls_back(tmp_path, newest, content[:length])
    damaged_falls_back(tmp_path, newest, content + b"\0")


@pytest.mark.usefixtures("quiet")
def test_a_file_with_any_bit_flipped_is_never_loaded(tmp_path: Path, newest: Path) -> None:
    content = newest.read_bytes()
    for position in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            damaged_falls_back(tmp_path, newest, bytes(flipped))


def other_format(content: bytes) -> bytes:
    return content.replace(b"checkpoint 2", b"checkpoint 3")


def of_another_partition(_: bytes) -> bytes:
    store = in_memory()
    store.save(ADDRESS._replace(partition=1), 20, {}, ARRAYS)
    with stores.opened(store._files, store._list(ADDRESS._replace(partition=1))[0]) as file:
        return file.read()


FOREIGN = {
    "nothing": lambda _: b"",
    "text": lambda _: b"hello, I am a text file",
    "json": lambda _: json.dumps({"offset": 20}).encode(),
    "deep json": lambda _: (5000).to_bytes(8, "little") + b"[" * 5000,
    "json of another shape": lambda _: (20).to_bytes(8, "little") + b'{"__metadata__": 12} ',
    "a list": lambda _: (2).to_bytes(8, "little") + b"[]",
    "someone else's tensors": lambda _: safetensors.numpy.save({"a": np.zeros(2)}),
    "a later format": other_format,
    "another partition's": of_another_partition,
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_skipped_with_a_warning(
    tmp_path: Path, newest: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        damaged_falls_back(tmp_path, newest, FOREIGN[kind](newest.read_bytes()))
    assert str(newest) in caplog.text
    assert "skipped" in caplog.text


def test_a_checkpoint_under_another_offsets_name_is_skipped(tmp_path: Path, newest: Path) -> None:
    newest.rename(newest.with_name(f"{30:020d}.safetensors"))
    taken = Checkpoints(str(tmp_path), 3).load(ADDRESS, 100)
    assert taken is not None
    assert taken.offset == 10


def test_other_files_in_the_folder_do_no_harm(tmp_path: Path, newest: Path) -> None:
    (newest.parent / "README.txt").write_text("hands off")
    (newest.parent / "12.safetensors").write_text("not ours")
    taken = Checkpoints(str(tmp_path), 3).load(ADDRESS, 100)
    assert taken is not None
    assert taken.offset == 20


def test_a_crash_before_the_rename_leaves_the_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Checkpoints(str(tmp_path), 3)
    store.save(ADDRESS, 10, {}, ARRAYS)

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as dying:
        dying.setattr(os, "replace", crash)
        with pytest.raises(Crash):
            store.save(ADDRESS, 20, {}, ARRAYS)
    taken = store.load(ADDRESS, 100)
    assert taken is not None
    assert taken.offset == 10
    assert len(list(tmp_path.rglob(".*.tmp"))) == 1
    store.save(ADDRESS, 30, {}, ARRAYS)
    assert list(tmp_path.rglob(".*.tmp")) == []  # the next one sweeps it up


def test_a_failed_write_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="the disk is full; free some space"):
        Checkpoints(str(tmp_path), 3).save(ADDRESS, 20, {}, ARRAYS)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("url", ["{}/new/folder", "memory://{}"])
def test_a_probe_of_a_good_place_leaves_nothing(tmp_path: Path, url: str) -> None:
    store = Checkpoints(url.format(tmp_path), 3)
    store.probe()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Checkpoints(str(tmp_path / "file" / "checkpoints"), 3)
    with pytest.raises(CheckpointError, match=r"can't write checkpoints at .*file; set checkpoints.url to a folder"):
        store.probe()


def test_a_forbidden_place_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Raised by hand: whoever runs the tests may be root, who is denied nothing.
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(CheckpointError, match="permission denied; let this user write there") as raised:
        Checkpoints(str(tmp_path), 3).probe()
    assert "\n" not in str(raised.value)


def test_an_unreadable_place_is_an_error_and_not_an_empty_one(
    tmp_path: Path, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Checkpoints(str(tmp_path), 3)

    def gone(*_: object, **__: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(tensor_file, "load", gone)
    with pytest.raises(CheckpointError, match=r"can't read checkpoints at .*Input/output error"):
        store.load(ADDRESS, 100)
    with pytest.raises(CheckpointError, match="can't read checkpoints"):
        read(str(newest))


@pytest.mark.parametrize(("url", "extra"), [("s3://bucket/path", "s3"), ("gs://bucket/path", "gcs")])
def test_a_missing_package_is_named_by_what_installs_it(url: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str, **__: object) -> tuple[stores.Files, str]:
        raise ImportError("Install it")

    monkeypatch.setattr(stores, "_url_to_fs", missing)
    with pytest.raises(CheckpointError, match=rf"pip install 'lstm-stream\[{extra}\]'"):
        Checkpoints(url, 3)


def test_an_unknown_kind_of_url_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"Protocol not known: nonsense.*set checkpoints.url to a folder"):
        Checkpoints("nonsense://x", 3)


def test_reading_what_is_not_there_or_not_ours_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        read(str(tmp_path / "none.safetensors"))
    (tmp_path / "some.txt").write_text("hello")
    with pytest.raises(CheckpointError, match="not a whole safetensors file"):
        read(str(tmp_path / "some.txt"))
    with pytest.raises(CheckpointError):
        read(str(tmp_path))


def test_a_number_that_json_lacks_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        in_memory().save(ADDRESS, 1, {"loss": float("nan")}, {})


class EndpointError(Exception):
    """What a store's own client raises: no OSError."""


@pytest.mark.parametrize("call", ["pipe_file", "ls", "open", "rm_file"])
def test_whatever_a_store_raises_is_said_and_no_crash(
    call: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = in_memory(keep=1)
    url = store.save(ADDRESS, 1, {}, ARRAYS)
    store.save(ADDRESS, 2, {}, ARRAYS)

    does = getattr(type(store._files), call)

    def fail(*arguments: object, **options: object) -> object:
        if call == "open" and "wb" in (*arguments, *options.values()):
            return does(*arguments, **options)  # a put goes through it, too
        raise EndpointError("no route to the store")

    monkeypatch.setattr(type(store._files), call, fail)
    said = "no route to the store; check checkpoints.url"
    if call in ("pipe_file", "rm_file"):
        with pytest.raises(CheckpointError, match=said):
            store.probe()
    if call in ("ls", "open"):
        with pytest.raises(CheckpointError, match=said):
            store.load(ADDRESS, 5)
    if call == "open":
        with pytest.raises(CheckpointError, match=said):
            read(url)
    if call == "pipe_file":
        with pytest.raises(CheckpointError, match=said):
            store.save(ADDRESS, 3, {}, ARRAYS)
    else:
        store.save(ADDRESS, 3, {}, ARRAYS)
    assert ("old checkpoints" in caplog.text) == (call in ("ls", "rm_file"))


def test_a_save_lists_its_folder_once(monkeypatch: pytest.MonkeyPatch) -> None:
    store, listed = in_memory(), 0
    list_it = store._files.ls

    def ls(path: str, detail: bool) -> list[str]:
        nonlocal listed
        listed += 1
        return list_it(path, detail=detail)

    monkeypatch.setattr(store._files, "ls", ls)
    store.save(ADDRESS, 1, {}, ARRAYS)
    assert listed == 1
