"""Laws of the input topics: what a pattern matches is read, and never what the daemon writes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.inputs import inputs_of, some
from pipeline.settings import Kafka

NAMES = st.from_regex(r"[a-z._-]{1,6}", fullmatch=True).filter(lambda name: name not in (".", ".."))


@pytest.mark.parametrize(("given_as", "read"), [
    ("loads", ["loads"]),
    (("sensors.b", "loads", "absent"), ["loads", "sensors.b"]),
    (r"/sensors\..*/", ["sensors.a", "sensors.b"]),
    (r"^sensors\..*", ["sensors.a", "sensors.b"]),
    ("/sensors/", []),
    ("^sens", []),
    ("/loads|sensors.a/", ["loads", "sensors.a"]),
    ("/.*/", ["forecasts-of-others", "loads", "sensors.a", "sensors.b"]),
    (r"/(.)oa.*s\Z|.*\.(a)/", ["loads", "sensors.a"]),
    ("/(?i:LOADS)/", ["loads"]),
    ("/(s).n.o.\\1.*/", ["sensors.a", "sensors.b"]),
    ("/forecasts|dead-letters/", []),
])  # fmt: skip
def test_whole_names_match_and_outputs_and_internal_topics_never_do(
    given_as: str | tuple[str, ...], read: list[str]
) -> None:
    there = [
        *("forecasts", "sensors.b", "sensors.a", "loads", "dead-letters"),
        *("forecasts-of-others", "__consumer_offsets", "__transaction_state"),
    ]
    assert list(inputs_of(Kafka(input=given_as)).among(there)) == read


@given(st.sets(NAMES), NAMES, NAMES, st.sampled_from(["/.*/", "^.*", "/[a-z]+/", "/.|..|.../", r"/.*\./"]))
def test_no_pattern_ever_reads_what_the_daemon_writes(topics: set[str], out: str, dead: str, pattern: str) -> None:
    if out == dead:
        return
    inputs = inputs_of(Kafka(input=pattern, forecasts=out, dead_letters=dead))
    read = set(inputs.among(topics | {out, dead}))
    assert not read & {out, dead}
    assert inputs.pattern is not None
    assert read == {one for one in topics - {out, dead} if re.fullmatch(inputs.pattern, one) and one[:2] != "__"}


def test_what_a_pattern_matches_and_leaves_out_is_told_in_one_line() -> None:
    there = ["a1", "a2", "forecasts", "dead-letters"]
    assert inputs_of(Kafka(input=r"/a\d/")).told(there) == r"kafka.input = '/a\d/' matches a1, a2"
    assert inputs_of(Kafka(input="/.*/")).told(there) == (
        "kafka.input = '/.*/' matches a1, a2; left out, as the daemon writes there: dead-letters, forecasts"
    )
    assert inputs_of(Kafka(input="/b/")).told(there) == "kafka.input = '/b/' matches none"
    assert inputs_of(Kafka(input=("a1", "a2"))).told(there) == ""


def test_of_many_topics_a_few_are_named() -> None:
    assert some(map(str, range(12))) == "0, 1, 10, 11, 2, 3, 4, 5, 6, 7 and 2 more"
