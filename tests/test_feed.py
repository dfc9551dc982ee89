"""What a demo sends is the same each time, and spoiled by as much as it says."""

from itertools import islice

import pytest

from pipeline.events.decoder import Decoder
from pipeline.feed import BAD, BAD_EVERY, LATE_EVERY, REPEATED_EVERY, built_in, spoiled
from pipeline.fleet import Fleet
from pipeline.messages import Outgoing, Record
from pipeline.replay import Form
from pipeline.settings import Events


def record(offset: int, sent: Outgoing) -> Record:
    return Record("events", 0, offset, -1, sent.key, sent.value)


def test_the_built_in_data_are_the_same_each_time() -> None:
    assert list(islice(built_in(), 3000)) == list(islice(built_in(), 3000))


def test_the_built_in_data_hold_real_series_beside_the_fleet() -> None:
    read = (Decoder().decode(record(0, sent)).observations for sent in islice(built_in(), 500))
    names = {one.series for observations in read for one in observations}
    assert names == {"river/water-flow", "river/airline-passengers", *Fleet().names}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: str(bad.value))
def test_each_bad_record_is_a_dead_letter(bad: Outgoing) -> None:
    decoded = Decoder().decode(record(0, bad))
    assert not decoded.observations
    assert len(decoded.rejects) == 1


def test_spoiling_leaves_every_observation_and_adds_bad_late_and_repeated_ones() -> None:
    observations = list(islice(Fleet().observations(), 2000))
    sent = list(spoiled(observations, Form(Events())))
    bad, late, repeated = (2000 // every for every in (BAD_EVERY, LATE_EVERY, REPEATED_EVERY))
    assert len(sent) == 2000 + bad + late + repeated
    newest: dict[str, int] = {}
    outcomes = {"bad": 0, "late": 0, "repeated": 0, "new": 0}
    for each in sent:
        decoded = Decoder().decode(record(0, each)).observations
        for one in decoded:
            before = newest.get(one.series, -1)
            outcomes["new" if one.time > before else "late" if one.time < before else "repeated"] += 1
            newest[one.series] = max(before, one.time)
        outcomes["bad"] += not decoded
    assert outcomes == {"bad": bad, "late": late, "repeated": repeated, "new": 2000}
