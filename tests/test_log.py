"""A file's observations in the order in which they are shown, and what came together."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.log import Log, read_log
from pipeline.files.file_options import NO_OPTIONS, Fields, FileOptions
from pipeline.files.tables import survey

EACH_ROW = FileOptions(step="event")


def read(folder: Path, text: str, fields: Fields | None = None, options: FileOptions = NO_OPTIONS) -> Log:
    file = folder / "table.csv"
    file.write_text(text)
    return read_log(survey(file, fields or Fields(), options))


def test_rows_of_one_series_and_time_stamp_are_still_one_step_after_another(tmp_path: Path) -> None:
    times = read(tmp_path, "timestamp,x\n" + "2024-05-01,1\n" * 3 + "2024-05-02,2\n", options=EACH_ROW).times
    assert np.all(np.diff(times) > 0)
    assert np.diff(times)[:2].tolist() == [1, 1]


def test_a_row_of_a_wide_file_is_one_event_also_where_its_time_stamp_comes_again(tmp_path: Path) -> None:
    log = read(tmp_path, "timestamp,x,y\n2024-05-02,5,6\n2024-05-01,1,2\n2024-05-01,3,4\n", options=EACH_ROW)
    assert log.together == 2
    assert log.values.tolist() == [1, 2, 3, 4, 5, 6]
    assert log.events.tolist() == [0, 0, 1, 1, 2, 2]


def test_each_value_of_a_long_file_comes_alone_also_where_others_have_its_time_stamp(tmp_path: Path) -> None:
    log = read(
        tmp_path, "series,timestamp,value\n" + "".join(f"{name},2024-05-01,1\n" for name in "abca"), options=EACH_ROW
    )
    assert log.together == 1
    assert len(set(log.events.tolist())) == 4


def test_columns_of_covariates_go_along_with_each_value_of_their_row(tmp_path: Path) -> None:
    text = "timestamp,x,y,warm\n2024-05-01,1,2,true\n2024-05-02,3,4,?\n"
    log = read(tmp_path, text, Fields(covariates=("warm", "unheard_of")))
    assert log.names == ("x", "y")
    assert np.array_equal(log.covariates[:, 0], [1, 1, np.nan, np.nan], equal_nan=True)
    assert np.isnan(log.covariates[:, 1]).all()


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.integers(1, 20))
def test_batches_are_the_whole_log_and_split_no_event(sizes: list[int], size: int) -> None:
    events = np.repeat(np.arange(len(sizes)), sizes)
    count = len(events)
    each = np.arange(count)
    log = Log(("a",), 4, np.zeros_like(each), each, each, each.astype(np.float64), events, np.ones((count, 0)))
    batches = list(log.batches(size))
    assert np.concatenate([batch.values for batch in batches]).tolist() == log.values.tolist()
    assert all(before.events[-1] < after.events[0] for before, after in pairwise(batches))
    assert all(len(batch.values) < size + max(sizes) for batch in batches)


@pytest.mark.parametrize(("stamps", "step", "season"), [(["00:00", "00:30", "01:00"], 1800, 48), (["00:00"], 0, 1)])
def test_the_season_follows_from_the_median_step(tmp_path: Path, stamps: list[str], step: float, season: int) -> None:
    log = read(tmp_path, "timestamp,x\n" + "".join(f"2024-05-01T{stamp},1\n" for stamp in stamps))
    assert (log.step, log.season) == (step, season)
