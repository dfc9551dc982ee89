"""The clients of one worker."""

from collections import Counter
from collections.abc import Callable

from pipeline.cluster import Description, Topic
from pipeline.cluster.admin import Limits
from tests.fakes.admin import FakeAdmin
from tests.fakes.broker import FakeBroker
from tests.fakes.calls import Calls
from tests.fakes.consumer import FakeConsumer
from tests.fakes.producer import FakeProducer


class FakeProcess(Calls):
    """One worker's process, as far as Kafka sees it: its clients, until it is killed.

    Parameters
    ----------
    broker
        Where it connects.
    instance
        Its name; its transactional id.
    interrupt
        Called with the running number of a call, its name, and whether it is done (but not yet told). It may raise,
        or do what others do meanwhile. `Killed` ends the process: no call of it has any effect after that.
    """

    def __init__(
        self, broker: FakeBroker, instance: str = "one", interrupt: Callable[[int, str, bool], None] | None = None
    ) -> None:
        super().__init__(broker, instance, interrupt)
        self.member: FakeConsumer | None = None

    def expel(self) -> None:
        """The group goes on without this process, which does not know of it."""
        if self.member is not None:
            self.broker.leave(self.member.name)

    @property
    def transactional_id(self) -> str:
        return self.instance

    def describe(self) -> Description:
        broker = self.broker
        counts = Counter(one.topic for one in (*broker.input, *broker.outputs))
        topics = {name: Topic(f"{name}-{broker.topic_id}", count) for name, count in counts.items()}
        return self.call("describe", lambda: Description("fake", topics))

    def consumer(self) -> FakeConsumer:
        self.member = FakeConsumer(self)
        return self.member

    def producer(self, limits: Limits) -> FakeProducer:
        assert limits.sizes()["batch_size"] <= self.broker.largest or not self.broker.tells_limits
        return FakeProducer(self)

    def admin(self) -> FakeAdmin:
        return FakeAdmin(self)
