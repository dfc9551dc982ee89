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
from tests.certificates import Authority

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
log.retention.hours=-1
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
allow.everyone.if.no.acl.found=true
"""
SECURED = """
listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port},CONTROLLER://127.0.0.1:{controller_port},\
    TLS://127.0.0.1:{tls},MUTUAL://127.0.0.1:{mutual},SCRAM://127.0.0.1:{scram},OAUTH://127.0.0.1:{oauth},\
    EXPIRED://127.0.0.1:{expired},OTHER://127.0.0.1:{other}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_PLAINTEXT://127.0.0.1:{sasl_port},TLS://127.0.0.1:{tls},\
    MUTUAL://127.0.0.1:{mutual},SCRAM://127.0.0.1:{scram},OAUTH://127.0.0.1:{oauth},EXPIRED://127.0.0.1:{expired},\
    OTHER://127.0.0.1:{other}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,TLS:SSL,\
    MUTUAL:SSL,SCRAM:SASL_SSL,OAUTH:SASL_SSL,EXPIRED:SSL,OTHER:SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512,OAUTHBEARER
listener.name.sasl_plaintext.sasl.enabled.mechanisms=PLAIN
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config=\
    org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.oauth.oauthbearer.sasl.server.callback.handler.class=\
    org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
sasl.oauthbearer.jwks.endpoint.url={keys}
sasl.oauthbearer.expected.audience={audience}
sasl.oauthbearer.expected.issuer={issuer}
ssl.keystore.type=PEM
ssl.keystore.location={good}
ssl.truststore.type=PEM
ssl.truststore.location={authority}
listener.name.mutual.ssl.client.auth=required
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={late}
listener.name.other.ssl.keystore.type=PEM
listener.name.other.ssl.keystore.location={elsewhere}
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
        Where it wants user `alice` with password `secret` (PLAIN); she may do all that no ACL forbids.
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
        self._properties.write_text(self._written())
        self._format()
        self.start()
        return self

    def _written(self) -> str:
        """Its properties; a later line goes before an earlier one."""
        return PROPERTIES.format(
            port=self._port,
            sasl_port=self._sasl_port,
            controller_port=self._controller_port,
            folder=self._folder,
            session=self._session,
            heartbeat=self._session // 5,
        )

    def _format(self, *options: str) -> None:
        storage = self._bin / "kafka-storage.sh"
        uuid = self._run(storage, "random-uuid").strip()
        self._run(storage, "format", "--standalone", "-t", uuid, "-c", str(self._properties), *options)

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


class SecureKafka(ApacheKafka):
    """One that also listens as companies do, with certificates of its own.

    Parameters
    ----------
    home, folder
        As of `ApacheKafka`.
    keys, audience
        Of the tokens that it takes: the URL of the keys, and whom the tokens are for.

    Attributes
    ----------
    authority
        Signs its certificates, and those of clients that it trusts.
    tls, mutual, scram, oauth
        Where it speaks TLS, wants a client's certificate, wants user `alice` with password `secret`
        (SCRAM-SHA-512), and wants a token; all with TLS.
    expired, other
        Where its certificate has expired, and where it is for another host.
    """

    def __init__(self, home: Path, folder: Path, keys: str, audience: str) -> None:
        super().__init__(home, folder)
        self._keys, self._audience = keys, audience
        self.authority = Authority(folder / "certificates")
        self._ports = {name: free_port() for name in ("tls", "mutual", "scram", "oauth", "expired", "other")}
        places = {name: f"127.0.0.1:{port}" for name, port in self._ports.items()}
        self.tls, self.mutual, self.scram, self.oauth = (places[one] for one in ("tls", "mutual", "scram", "oauth"))
        self.expired, self.other = places["expired"], places["other"]
        self._environment["KAFKA_OPTS"] = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={keys}"

    def _written(self) -> str:
        good, late = self.authority.sign("broker"), self.authority.sign("expired", days=0)
        elsewhere = self.authority.sign("other", host="kafka.example.org")
        return super()._written() + SECURED.format(
            **self._ports,
            port=self._port,
            sasl_port=self._sasl_port,
            controller_port=self._controller_port,
            keys=self._keys,
            audience=self._audience,
            issuer=self._keys.rpartition("/")[0],
            good=good.both,
            late=late.both,
            elsewhere=elsewhere.both,
            authority=self.authority.file,
        )

    def _format(self, *options: str) -> None:
        super()._format("--add-scram", "SCRAM-SHA-512=[name=alice,password=secret]", *options)
