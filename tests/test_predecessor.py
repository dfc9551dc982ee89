"""Laws of taking a dead worker out of its group: that one and no other, and never more harm than waiting."""

import logging
import threading
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from pipeline.clock import Clock
from pipeline.cluster import KafkaClients
from pipeline.cluster.predecessor import take_out
from pipeline.embedded import EmbeddedBroker, free_port
from pipeline.member import Member
from pipeline.settings import Kafka, Settings
from pipeline.watchdog import Watchdog
from tests.members import settings_for
from tests.servers import ApacheKafka, wait_until


def clients_of(settings: Settings) -> list[str]:
    """Client ids of the group's members."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    group = admin.describe_groups([settings.kafka.group])[settings.kafka.group]
    admin.close()
    return sorted(one["client_id"] for one in group["members"])


def joined(settings: Settings, instance: str) -> tuple[Member, KafkaClients]:
    clients = KafkaClients(settings, instance)
    clock = Clock()
    member = Member(clients, settings, Watchdog(60.0, clock.now, pytest.fail), clock)

    def is_in() -> bool:
        member.gather(threading.Event(), lambda: None)
        return clients.client_id in clients_of(settings)

    wait_until(is_in, "it to join")
    return member, clients


def test_only_the_one_of_that_name_is_taken_out(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    settings = settings_for(apache_kafka, "taken-out", tmp_path)
    first, clients = joined(settings, "base-0")
    try:
        assert take_out(settings.kafka, "lstm-stream-base-1") == 0
        assert clients_of(settings) == ["lstm-stream-base-0"]
        assert take_out(settings.kafka, clients.client_id) == 1
        assert clients_of(settings) == []
    finally:
        first.close()


def test_what_cannot_be_done_is_told_and_breaks_nothing(
    tansu: EmbeddedBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    nobody = Kafka(bootstrap_servers=f"127.0.0.1:{free_port()}", connect_timeout=0.5)
    for kafka in (nobody, tansu.settings_for(Settings()).kafka):
        assert take_out(kafka, "lstm-stream-base-0") == 0
    assert "the worker before stays in the group until its session ends: no Kafka broker answers" in caplog.text
