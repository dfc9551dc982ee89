"""Daemons as processes of their own, and what they write and are given."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from kafka import KafkaAdminClient
from kafka.admin import TransactionState
from msgspec import structs

from pipeline.cluster import Writer, create_topics, read_topic
from pipeline.embedded import EmbeddedBroker
from pipeline.messages import Outgoing
from pipeline.settings import Checkpoints as Keeping
from pipeline.settings import Delivery, Events, Kafka, Model, Settings, Web, to_toml
from tests.servers import ApacheKafka

PARTITIONS = 4

SERIES = 12

MINUTE = 60_000  # ms

START = 1_700_000_000_000  # ms

MODEL = Model(horizon=3, hidden_size=4, window=4, windows=2, replay=16, memory=64)

EVENTS = Events(step=60.0)


def settings_for(broker: EmbeddedBroker | ApacheKafka, name: str, folder: Path) -> Settings:
    """Topics, a group and a checkpoint folder of their own."""
    settings = Settings(
        kafka=Kafka(
            bootstrap_servers=broker.bootstrap_servers,
            group=name,
            input=f"{name}-events",
            forecasts=f"{name}-forecasts",
            dead_letters=f"{name}-dead",
            partitions=PARTITIONS,
            session_timeout=4.0,
            transaction_timeout=5.0,
            max_poll_records=200,
        ),
        events=EVENTS,
        model=MODEL,
        delivery=Delivery(commit_interval=0.1),
        checkpoints=Keeping(url=str(folder / "checkpoints"), interval=1.0),
        web=Web(port=0),
    )
    if isinstance(broker, EmbeddedBroker):
        settings = broker.settings_for(settings)
    create_topics(settings)
    return settings


def write(settings: Settings, steps: range) -> None:
    """One event of each series at each step, and a bad record."""
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for step in steps:
            for number in range(SERIES):
                value = math.sin(step / (3 + number)) + number
                event = {"timestamp": START + step * MINUTE, "value": round(value, 6)}
                outgoing = Outgoing(b"series-%d" % number, json.dumps(event).encode())
                writer.write(outgoing)
            writer.write(Outgoing(b"bad", b"not json %d" % step))


def told(settings: Settings) -> dict[tuple[str, bytes | None], list[bytes | None]]:
    """The committed forecasts and dead letters by key, each in its order."""
    by_key: dict[tuple[str, bytes | None], list[bytes | None]] = {}
    for kind, topic in (("forecast", settings.kafka.forecasts), ("dead", settings.kafka.dead_letters)):
        for record in read_topic(settings, topic):
            by_key.setdefault((kind, record.key), []).append(record.value)
    return by_key


def count(settings: Settings) -> int:
    return sum(map(len, told(settings).values()))


def undisturbed(
    settings: Settings, folder: Path, patience: float = 60.0
) -> dict[tuple[str, bytes | None], list[bytes | None]]:
    """What one process says that reads the same log from its start, and is left alone."""
    name = f"{settings.kafka.group}-undisturbed"
    kafka = structs.replace(settings.kafka, group=name, forecasts=f"{name}-forecasts", dead_letters=f"{name}-dead")
    alone = structs.replace(settings, kafka=kafka, checkpoints=Keeping(url=str(folder / "undisturbed")))
    create_topics(alone)
    with Member(alone, folder, "undisturbed", "--drain") as member:
        assert member.wait(patience) == 0
    return told(alone)


class Member:
    """`lstm-stream run` in a process of its own."""

    def __init__(self, settings: Settings, folder: Path, name: str, *options: str) -> None:
        self.name, self._options = name, options
        self._config, self._log = folder / f"{name}.toml", folder / f"{name}.log"
        self._config.write_text(to_toml(settings, mask=False))
        self._log.write_text("")

    def __enter__(self) -> Self:
        command = [sys.executable, "-c", "from pipeline.cli import main; main()", "run", "-c", str(self._config)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()

    def kill(self) -> None:
        """As by `kill -9`."""
        self._process.kill()
        self._process.wait()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """SIGTERM; its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()

    def wait(self, patience: float = 60.0) -> int:
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            pytest.fail(self._log.read_text())
        assert "Traceback" not in self._log.read_text()
        return code

    def partitions(self) -> set[str]:
        """Those that it holds and has caught up with, as `events/3`."""
        status = self._status()
        held = {f"{one['topic']}/{one['partition']}" for one in status.get("partitions", ())}
        return held if status.get("state") == "ready" else set()

    def instance(self) -> str:
        """The name that it has in its group."""
        return str(self._status()["instance"])

    def _status(self) -> dict[str, Any]:
        """What it tells of itself; nothing while it does not answer."""
        try:
            return self.ask("/api/status")
        except urllib.error.URLError:
            return {}

    def ask(self, path: str) -> dict[str, Any]:
        """What its page is told; nothing while it has none."""
        page = self.page()
        if page is None:
            return {}
        with urllib.request.urlopen(f"{page}{path}", timeout=10) as response:
            told: dict[str, Any] = json.load(response)
            return told

    def page(self) -> str | None:
        """Where its page is, without the last slash; None while it has none."""
        assert self._process.poll() is None, self._log.read_text()
        found = re.search(r"http://127.0.0.1:\d+", self._log.read_text())
        return found[0] if found is not None else None

    def is_up(self) -> bool:
        """Whether it has begun to connect."""
        return "the live page is at" in self._log.read_text()

    def holds(self, number: int) -> Callable[[], bool]:
        """Whether it is ready with so many partitions."""
        return lambda: len(self.partitions()) == number


def shares(*members: Member, number: int = PARTITIONS) -> Callable[[], bool]:
    """Whether these are ready and have so many partitions between them, each some."""

    def are() -> bool:
        held = [member.partitions() for member in members]
        return all(held) and sum(map(len, held)) == len(set().union(*held)) == number

    return are


class Watch:
    """Sees whether one member's transaction is open, by the state that the broker keeps of it (KIP-664)."""

    def __init__(self, settings: Settings, instance: str) -> None:
        self._admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
        self._id = f"{settings.kafka.group}-{instance}"

    def is_open(self) -> bool:
        described = self._admin.describe_transactions([self._id])[self._id]
        return bool(described.state == TransactionState.ONGOING and described.topic_partitions)

    def close(self) -> None:
        self._admin.close()
