"""A real daemon under full load is asked for its series, and answers while it folds."""

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

from msgspec import structs

from pipeline.cluster import Writer
from pipeline.embedded import EmbeddedBroker
from pipeline.files.events import Event
from pipeline.fleet import Fleet
from pipeline.replay import Form
from pipeline.settings import Events, Model
from tests.members import Member, settings_for
from tests.servers import wait_until

EVENTS = 60_000


def test_series_are_told_while_the_worker_folds(tansu: EmbeddedBroker, tmp_path: Path) -> None:
    """Each answer is of a first question, in the middle of a cycle of seconds."""
    settings = settings_for(tansu, "questions", tmp_path)
    kafka = structs.replace(settings.kafka, max_poll_records=10_000)
    model = Model(horizon=200, hidden_size=128)  # some hundreds of us an event
    settings = structs.replace(settings, kafka=kafka, events=Events(), model=model)
    fleet, form = Fleet(), Form(settings.events)
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for observation in islice(fleet.observations(), EVENTS):
            record = form.record(Event.of(observation))
            writer.write(structs.replace(record, key=b"all in one partition"))
    in_a_fold = 0
    with Member(settings, tmp_path, "one") as member:
        wait_until(lambda: member.ask("/api/series").get("total") == len(fleet.names), "all series to be seen")
        for name in fleet.names:
            before = member.ask("/api/status")
            assert member.ask("/api/series")["series"] == list(fleet.names)
            told = first_answer(member, f"/api/series/{quote(name, safe='')}")
            after = member.ask("/api/status")
            assert (told["series"], told["elsewhere"]) == (name, [])
            assert told["observations"] >= 1
            in_a_fold += before["doing"] == after["doing"] == "fold" and before["observations"] == after["observations"]
        assert after["observations"] < EVENTS
    assert in_a_fold > len(fleet.names) / 2


def first_answer(member: Member, path: str) -> dict[str, Any]:
    """What is told once the worker has come by: on a machine with too much to do it may need a second second."""
    for _ in range(10):
        with suppress(HTTPError):
            return member.ask(path)
    raise AssertionError(f"{path} was refused ten times")
