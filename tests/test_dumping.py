"""Laws of a dump that is taken in parts: it is what the bank was when it began, whatever the bank does meanwhile."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lstm_stream import Bank, Block, Dump, Hyperparameters, dumping
from tests.observation_log import Log, as_bytes

SMALL = Hyperparameters(horizon=3, hidden_size=4, window=4, windows=2, replay=8, memory=64, max_gap=6, restart_after=5)


def assembled(dump: Dump, taken: list[Block | None]) -> dict[str, NDArray[Any]]:
    """The arrays of these blocks and of all that are left."""
    arrays = {name: np.zeros(shape.sizes, shape.dtype) for name, shape in dump.shapes.items()}
    blocks = [block for block in taken if block is not None]
    while (block := dump.take()) is not None:
        blocks.append(block)
    for row, some in blocks:
        for name, array in some.items():
            arrays[name].reshape(-1)[row * array[:1].size if array.ndim else 0 :][: array.size] = array.reshape(-1)
    return arrays


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    begin=st.integers(0, 150),
    rows=st.integers(1, 9),
    calls=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 4)), max_size=8),
)
def test_a_dump_in_parts_is_the_dump_of_when_it_began(
    seed: int, begin: int, rows: int, calls: list[tuple[int, int]]
) -> None:
    """Series change, start again and come anew between two blocks, and columns are moved to have more room."""
    log = Log(seed, 700, series=40)
    bank, undisturbed = Bank(SMALL), Bank(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dumping, "ROWS", rows)
        bank.observe(*log.part(0, begin))
        undisturbed.observe(*log.part(0, begin))
        header, arrays = bank.dump()
        dump, at = bank.dump_in_parts(), begin
        taken: list[Block | None] = []
        for observations, blocks in calls:
            taken += [dump.take() for _ in range(blocks)]
            part = log.part(at, at := at + observations)
            assert as_bytes(bank.observe(*part)) == as_bytes(undisturbed.observe(*part))
        rest = assembled(dump, taken)
    assert dump.header == header
    assert rest.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (rest[name].dtype, rest[name].tobytes()) == (array.dtype, array.tobytes()), name
    assert dump.kept == 0


def test_what_nobody_takes_is_kept_no_more_once_it_is_given_up() -> None:
    log, bank = Log(1, 300), Bank(SMALL)
    bank.observe(*log.part(0, 200))
    dump = bank.dump_in_parts()
    bank.observe(*log.part(200, 250))
    assert dump.kept > 0
    with pytest.raises(RuntimeError, match="under way: take all of it, or give it up"):
        bank.dump_in_parts()
    dump.give_up()
    bank.observe(*log.part(250, 300))
    assert dump.kept == 0
    assert dump.take() is None
    assert assembled(bank.dump_in_parts(), []).keys() == bank.dump()[1].keys()


def test_a_loaded_bank_takes_arrays_over_without_a_copy_and_copies_what_is_not_its_own() -> None:
    log, bank = Log(1, 300), Bank(SMALL)
    bank.observe(*log.part(0, 200))
    header, arrays = bank.dump()
    borrowed = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape) for name, array in arrays.items()
    }
    owner, copier = Bank.load(header, arrays), Bank.load(header, borrowed)
    assert np.shares_memory(owner.dump_in_parts()._columns["history.ring"], arrays["history.ring"])
    expected = as_bytes(bank.observe(*log.part(200, 300)))
    assert as_bytes(owner.observe(*log.part(200, 300))) == expected
    assert as_bytes(copier.observe(*log.part(200, 300))) == expected
