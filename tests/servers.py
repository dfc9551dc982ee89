"""Real brokers for the tests: on free ports, in folders of their own, ended by their process id."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from pipeline.embedded import free_port

PROPERTIES = """
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \\
    required user_alice="secret";
log.dirs={folder}/data
num.network.threads=2
num.io.threads=2
log.cleaner.enable=false
offsets.topic.num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms={session}
broker.heartbeat.interval.ms={heartbeat}
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
"""
PATIENCE = 120.0


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
    """Ask again and again until `condition` holds; the seconds it took.

    Raises
    ------
    AssertionError
        It did not hold within `patience` seconds.
    """
    started = time.monotonic()
    while not condition():
        waited = time.monotonic() - started
        assert waited < patience, f"waited {waited:.0f} s in vain for: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


def stays(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` holds at every look for so long."""
    until = time.monotonic() + seconds
    while condition():
        if time.monotonic() >= until:
            return True
        time.sleep(0.05)
    return False


class ApacheKafka:
    """One node of Apache Kafka from the distribution in `home`, from `with` to the end of its block.

    Parameters
    ----------
    home, folder
        Where the distribution is, and where its data go.
    session
        Seconds until the controller takes a broker to be dead. One that is up again waits for that, and what its
        coordinators decide meanwhile may not get its markers: about 3 makes that likely.

    Attributes
    ----------
    bootstrap_servers
        Where it listens without signing in.
    sasl_servers
        Where it wants user `alice` with password `secret` (PLAIN).
    """

    def __init__(self, home: Path, folder: Path, session: float = 9.0) -> None:
        self._bin, self._folder = home / "bin", folder
        self._session = int(session * 1000)  # ms
        self._port, self._sasl_port, self._controller_port = free_port(), free_port(), free_port()
        self.bootstrap_servers = f"127.0.0.1:{self._port}"
        self.sasl_servers = f"127.0.0.1:{self._sasl_port}"
        self._environment = {**os.environ, "LOG_DIR": str(folder), "KAFKA_HEAP_OPTS": "-Xmx384m"}

    def __enter__(self) -> Self:
        self._properties = self._folder / "server.properties"
        self._properties.write_text(
            PROPERTIES.format(
                port=self._port,
                sasl_port=self._sasl_port,
                controller_port=self._controller_port,
                folder=self._folder,
                session=self._session,
                heartbeat=self._session // 5,
            )
        )
        self._format()
        self.start()
        return self

    def _format(self) -> None:
        storage = self._bin / "kafka-storage.sh"
        uuid = self._run(storage, "random-uuid").strip()
        self._run(storage, "format", "--standalone", "-t", uuid, "-c", str(self._properties))

    def _run(self, program: Path, *arguments: str) -> str:
        command = [str(program), *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def start(self) -> None:
        """Start it, also again after `kill`; when this returns it listens."""
        with open(self._folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [str(self._bin / "kafka-server-start.sh"), str(self._properties)],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._is_up, f"Kafka in {self._folder} to listen")

    def _is_up(self) -> bool:
        assert self._process.poll() is None, (self._folder / "server.log").read_text()[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        """As by `kill -9`; what it had written to its files stays."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.kill()
