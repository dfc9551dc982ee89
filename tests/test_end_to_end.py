"""Real members on real brokers: they come, go and are killed, and nothing of it shows in the forecasts."""

import json
import math
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from msgspec import structs

from pipeline.checkpoints import Checkpoints
from pipeline.cluster import KafkaClients, Writer, read_topic
from pipeline.embedded import EmbeddedBroker
from pipeline.fold import Fold, Publish
from pipeline.messages import Outgoing, Record
from pipeline.metrics import Metrics
from pipeline.settings import Settings
from pipeline.worker import Worker
from tests.fakes import ChainShard
from tests.members import (
    EVENTS,
    MINUTE,
    PARTITIONS,
    SERIES,
    START,
    Member,
    Watch,
    count,
    settings_for,
    shares,
    told,
    undisturbed,
    write,
)
from tests.servers import ApacheKafka, stays, wait_until


@pytest.fixture(params=["tansu", "apache_kafka"])
def broker(request: pytest.FixtureRequest) -> EmbeddedBroker | ApacheKafka:
    found: EmbeddedBroker | ApacheKafka = request.getfixturevalue(request.param)
    return found


def test_members_that_come_go_and_restart_change_no_forecast(
    broker: EmbeddedBroker | ApacheKafka, tmp_path: Path
) -> None:
    settings = settings_for(broker, f"graceful-{type(broker).__name__.lower()}", tmp_path)
    write(settings, range(40))
    with ExitStack() as stack:
        one = stack.enter_context(Member(settings, tmp_path, "one"))
        wait_until(one.holds(PARTITIONS), "one to hold all")
        two = stack.enter_context(Member(settings, tmp_path, "two"))
        wait_until(shares(one, two), "two to take its share")
        write(settings, range(40, 80))
        assert two.end() == 0
        write(settings, range(80, 100))
        wait_until(one.holds(PARTITIONS), "one to hold all again")
        assert one.end() == 0
        write(settings, range(100, 120))
        with Member(settings, tmp_path, "one-again", "--drain") as again:
            assert again.wait() == 0
        assert "checkpoint at" in (tmp_path / "one-again.log").read_text()
    assert count(settings) == 120 * (SERIES + 1)
    assert told(settings) == undisturbed(settings, tmp_path)


def write_groups(settings: Settings, steps: range) -> None:
    """One event of each of three machines at each step: two values, one of them bad at times, and covariates."""
    with Writer(settings, settings.kafka.inputs[0]) as writer:
        for step in steps:
            for number in range(3):
                values = {"temp": math.sin(step / 3) + number, "rpm": "?" if step % 10 == number else step % 7}
                known = {"holiday": step % 5 == 0, "wind": [step, "calm", None][number]}
                event = {"timestamp": START + step * MINUTE} | values | known
                writer.write(Outgoing(b"machine-%d" % number, json.dumps(event).encode()))


def test_a_restart_among_events_of_several_values_and_covariates_changes_no_forecast(
    tansu: EmbeddedBroker, tmp_path: Path
) -> None:
    settings = settings_for(tansu, "groups", tmp_path)
    events = structs.replace(EVENTS, values=("temp", "rpm"), covariates=("holiday", "wind"))
    settings = structs.replace(settings, events=events)
    for name, steps in (("one", range(25)), ("two", range(25, 40))):
        write_groups(settings, steps)
        with Member(settings, tmp_path, name, "--drain") as member:
            assert member.wait() == 0
    assert "checkpoint at" in (tmp_path / "two.log").read_text()
    assert count(settings) == 40 * 3 * 2
    assert told(settings) == undisturbed(settings, tmp_path)


class Stream(threading.Thread):
    """Writes events, a step every so often, until it is told to stop."""

    def __init__(self, settings: Settings, start: int, pause: float = 0.1) -> None:
        super().__init__(daemon=True)
        self._settings, self._pause = settings, pause
        self._stop_now = threading.Event()
        self.steps = start

    def run(self) -> None:
        while not self._stop_now.wait(self._pause):
            write(self._settings, range(self.steps, self.steps + 1))
            self.steps += 1

    def end(self) -> int:
        """How many steps the log has now."""
        self._stop_now.set()
        self.join()
        return self.steps


def kill_in_mid_transaction(member: Member, settings: Settings) -> None:
    """Stop it, look whether it has a transaction open, and let it go on until that is so; then kill it."""
    watch = Watch(settings, member.instance())

    def is_caught() -> bool:
        member.send(signal.SIGSTOP)
        if stays(watch.is_open, 0.5):  # what it had sent before it was stopped may still end it
            return True
        member.send(signal.SIGCONT)
        return False

    wait_until(is_caught, f"{member.name} to have a transaction open")
    member.kill()
    assert watch.is_open()
    watch.close()


def test_a_kill_in_mid_transaction_is_never_seen(
    apache_kafka: ApacheKafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(apache_kafka, "killed", tmp_path)
    write(settings, range(20))
    took: dict[str, float] = {}
    stream = Stream(settings, 20)
    with ExitStack() as stack:
        one = stack.enter_context(Member(settings, tmp_path, "one"))
        wait_until(one.holds(PARTITIONS), "one to hold all")
        stream.start()
        two = stack.enter_context(Member(settings, tmp_path, "two"))
        wait_until(two.is_up, "two to be up")
        took["join"] = wait_until(shares(one, two), "two to take its share")
        kill_in_mid_transaction(one, settings)
        took["take over after kill -9"] = wait_until(two.holds(PARTITIONS), "two to hold all")
        one = stack.enter_context(Member(settings, tmp_path, "one-again"))
        wait_until(one.is_up, "one to be up again")
        took["come back"] = wait_until(shares(one, two), "one to take its share")
        steps = stream.end()
        wait_until(lambda: count(settings) >= steps * (SERIES + 1), "all to be told")
        assert one.end() == 0
        assert two.end() == 0
    with capsys.disabled():
        seconds = ", ".join(f"{what} {duration:.1f} s" for what, duration in took.items())
        print(f"\n{steps * (SERIES + 1)} records; {seconds}")
    assert told(settings) == undisturbed(settings, tmp_path)
    assert count(settings) == steps * (SERIES + 1)


def test_kcat_reads_the_same_committed_forecasts(apache_kafka: ApacheKafka, tmp_path: Path) -> None:
    """Tansu is not read by kcat: librdkafka 2.0 does not understand its ApiVersions."""
    kcat = shutil.which("kcat")
    if kcat is None:
        pytest.skip("kcat is not installed (Debian: apt-get install kcat)")
    settings = settings_for(apache_kafka, "kcat", tmp_path)
    write(settings, range(20))
    with Member(settings, tmp_path, "one", "--drain") as member:
        assert member.wait() == 0
    for topic in (settings.kafka.forecasts, settings.kafka.dead_letters):
        options = ["-b", settings.kafka.bootstrap_servers, "-C", "-t", topic, "-o", "beginning", "-e", "-q"]
        isolation = ["-X", "isolation.level=read_committed"]
        done = subprocess.run(
            [kcat, *options, *isolation, "-f", "%k %s\n"], capture_output=True, check=True, timeout=60
        )
        ours = [(record.key or b"") + b" " + (record.value or b"") for record in read_topic(settings, topic)]
        assert sorted(done.stdout.splitlines()) == sorted(ours)
        assert len(ours) == 20 * (SERIES if topic == settings.kafka.forecasts else 1)


def test_at_least_once_survives_a_kill_and_repeats_the_same_bytes(
    broker: EmbeddedBroker | ApacheKafka, tmp_path: Path
) -> None:
    settings = settings_for(broker, f"repeats-{type(broker).__name__.lower()}", tmp_path)
    delivery = structs.replace(settings.delivery, mode="at_least_once")
    settings = structs.replace(settings, delivery=delivery)
    write(settings, range(20))
    stream = Stream(settings, 20, pause=0.02)
    with Member(settings, tmp_path, "one") as one:
        wait_until(one.holds(PARTITIONS), "one to hold all")
        stream.start()
        before = count(settings)
        wait_until(lambda: count(settings) > before, "one to be busy")
        one.kill()
    stream.end()
    with Member(settings, tmp_path, "two", "--drain") as two:
        assert two.wait() == 0
    unrepeated = {key: list(dict.fromkeys(values)) for key, values in told(settings).items()}
    assert unrepeated == undisturbed(settings, tmp_path)


class StallingShard(ChainShard):
    """Stands still in its first fold until it is let go."""

    is_folding, may_go_on = threading.Event(), threading.Event()

    def fold(self, records: Sequence[Record], publish: Publish) -> Fold:
        fold = super().fold(records, publish)
        self.is_folding.set()
        assert self.may_go_on.wait(60)
        return fold


def test_a_member_that_loses_its_partitions_while_it_folds_is_refused(
    apache_kafka: ApacheKafka, tmp_path: Path
) -> None:
    settings = settings_for(apache_kafka, "stalled", tmp_path)
    write(settings, range(20))
    metrics = Metrics()
    stalled = Worker(
        settings, KafkaClients(settings), Checkpoints(str(tmp_path / "one"), 3), metrics, shards=StallingShard
    )
    thread = threading.Thread(target=stalled.run, daemon=True)
    thread.start()
    assert StallingShard.is_folding.wait(60)
    expel_all(settings)
    other = Worker(
        settings, KafkaClients(settings), Checkpoints(str(tmp_path / "two"), 3), Metrics(), shards=ChainShard
    )
    assert other.run(drain=True) == 0
    before = told(settings)
    assert sum(map(len, before.values())) == 20 * (SERIES + 1)
    StallingShard.may_go_on.set()
    wait_until(stalled.ready, "the one that stalled to be back")
    stalled.stop()
    thread.join(60)
    assert metrics.aborts.labels("fenced")._value.get() == 1
    assert told(settings) == before


def expel_all(settings: Settings) -> None:
    """What the end of their sessions does to the members of a group, at once."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap_servers)
    group = admin.describe_groups([settings.kafka.group])[settings.kafka.group]
    members = [MemberToRemove(member_id=one["member_id"]) for one in group["members"]]
    assert members
    admin.remove_group_members(settings.kafka.group, members)
    admin.close()
