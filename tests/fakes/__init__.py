"""A Kafka that fits in the test's own process and can be killed at any call, and a shard that forgets nothing."""

from tests.fakes.broker import FakeBroker
from tests.fakes.calls import Killed
from tests.fakes.chain_shard import ChainShard
from tests.fakes.clock import ManualClock
from tests.fakes.consumer import FakeConsumer
from tests.fakes.names import NotUtf8
from tests.fakes.process import FakeProcess

__all__ = ["ChainShard", "FakeBroker", "FakeConsumer", "FakeProcess", "Killed", "ManualClock", "NotUtf8"]
