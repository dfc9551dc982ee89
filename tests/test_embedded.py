"""The embedded broker starts by itself and leaves nothing behind."""

import os
import socket

import pytest

from pipeline.embedded import EmbeddedBroker
from pipeline.settings import Kafka, Settings


def listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_it_listens_within_its_block_and_ends_with_it() -> None:
    with EmbeddedBroker() as broker:
        assert listens(broker.bootstrap_servers)
        os.kill(broker.pid, 0)
    assert not listens(broker.bootstrap_servers)
    with pytest.raises(ProcessLookupError):
        os.kill(broker.pid, 0)


def test_two_live_side_by_side() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        assert one.bootstrap_servers != other.bootstrap_servers


def test_its_settings_keep_what_they_need_not_change() -> None:
    given = Settings(kafka=Kafka(group="mine", input="there", replication=3, assignor="cooperative-sticky"))
    with EmbeddedBroker() as broker:
        settings = broker.settings_for(given)
    assert settings.kafka.bootstrap_servers == broker.bootstrap_servers
    assert (settings.kafka.group, settings.kafka.input) == ("mine", "there")
    assert (settings.kafka.assignor, settings.kafka.replication) == ("range", 1)
    assert settings.model == given.model
