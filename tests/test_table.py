"""Laws of the list of series: what is found, and in which order it stands."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pipeline.web.listing import merged
from pipeline.web.series_list import Listing, Sort
from pipeline.web.table import Place, Tables
from tests.shown import table_of


def listed(tables: Tables, **asked: Any) -> list[str]:
    return [row.series for row in tables.listed(Listing(**asked), lambda *_: (), 0.0).rows]


PLACES = (Place("events", 0), Place("prices", 3))


def test_the_most_surprising_come_first_and_those_without_a_score_last() -> None:
    nan = float("nan")
    tables = Tables(
        {PLACES[0]: table_of("a", "b", "c", surprise=(0.2, nan, 0.9)), PLACES[1]: table_of("d", surprise=(0.5,))}
    )
    assert listed(tables) == ["c", "d", "a", "b"]
    assert listed(tables, descending=False) == ["a", "d", "c", "b"]


def test_equal_ones_are_in_the_order_of_their_names() -> None:
    tables = Tables({PLACES[0]: table_of("b", "a", "c", surprise=(0.5, 0.5, 0.5))})
    assert listed(tables) == listed(tables, descending=False) == ["a", "b", "c"]
    assert listed(tables, sort="name") == ["c", "b", "a"]


def test_skill_is_error_held_against_that_of_the_last_value() -> None:
    tables = Tables({PLACES[0]: table_of("a", "b", "c", skill=(0.5, -1.0, float("nan")))})
    rows = tables.listed(Listing(sort="skill", descending=False), lambda *_: (), 0.0).rows
    assert [(row.series, row.skill) for row in rows] == [("b", -1.0), ("a", 0.5), ("c", None)]


def test_a_name_that_two_shards_have_stands_there_for_each() -> None:
    tables = Tables({place: table_of("a") for place in PLACES})
    rows = tables.listed(Listing(), lambda _, place: (float(place.partition),), 0.0).rows
    assert [(row.series, row.topic, row.partition, row.values) for row in rows] == [
        ("a", "events", 0, (0.0,)),
        ("a", "prices", 3, (3.0,)),
    ]


@given(st.lists(st.text(max_size=4), unique=True, max_size=30), st.text(max_size=2), st.integers(1, 7))
def test_a_list_is_told_part_by_part_and_holds_what_is_searched(names: list[str], search: str, limit: int) -> None:
    tables = Tables({PLACES[0]: table_of(*names)})
    whole = listed(tables, search=search, sort="name", descending=False, limit=100)
    assert whole == sorted(name for name in names if search.casefold() in name.casefold())
    parts = [
        listed(tables, search=search, sort="name", descending=False, offset=offset, limit=limit)
        for offset in range(0, len(names) + 1, limit)
    ]
    assert [name for part in parts for name in part] == whole


@given(
    st.lists(st.tuples(st.text(max_size=3), st.sampled_from([0.1, 0.5, float("nan")])), unique_by=lambda one: one[0]),
    st.sampled_from(["surprise", "name", "skill", "last_time", "observations"]),
    st.booleans(),
    st.integers(0, 9),
)
def test_several_processes_tell_the_list_of_one(
    series: list[tuple[str, float]], sort: Sort, descending: bool, offset: int
) -> None:
    halves = [
        table_of(*(name for name, _ in some), surprise=tuple(score for _, score in some))
        for some in (series[::2], series[1::2])
    ]
    asked = Listing(sort=sort, descending=descending, offset=offset, limit=4)
    one = Tables(dict(zip(PLACES, halves, strict=True))).listed(asked, lambda *_: (), 0.0)
    from_the_first = structs.replace(asked, offset=0, limit=offset + 4)
    parts = [
        Tables({place: half}).listed(from_the_first, lambda *_: (), 0.0)
        for place, half in zip(PLACES, halves, strict=True)
    ]
    assert merged(parts, asked) == one
