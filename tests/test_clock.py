"""When this process started, and how much memory it has, as the system tells."""

import time
from pathlib import Path

from pipeline.clock import Clock, started
from pipeline.process import resident_memory


def test_the_start_of_a_process_lies_before_now_and_stays() -> None:
    first = Clock().started()
    assert time.time() - 24 * 3600 < first <= time.time() + 1  # the system counts in hundredths of a second
    assert Clock().started() == first


def test_a_program_of_any_name_is_read(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    fields = " ".join(map(str, range(3, 22)))
    (tmp_path / "self/stat").write_text(f"7 (a) b ) {fields} 200 23 24\n")
    (tmp_path / "stat").write_text("cpu 1 2 3\nbtime 1700000000\nprocesses 9\n")
    assert 1_700_000_000 < started(tmp_path) <= 1_700_000_200


def test_a_system_that_tells_nothing_is_none_to_fail_by(tmp_path: Path) -> None:
    assert started(tmp_path) <= time.time()
    assert resident_memory(tmp_path / "statm") == 0
    assert resident_memory() >= 0
