"""Calls to a broker, at each of which the process can be killed."""

from collections.abc import Callable
from typing import TypeVar

from tests.fakes.broker import FakeBroker

T = TypeVar("T")


class Killed(BaseException):
    """The process ends here, as by kill -9: nothing of it runs on, and nothing may catch it."""


class Calls:
    """What a process asks of a broker, until it is killed.

    Parameters
    ----------
    broker
        Where it connects.
    instance
        Its name.
    interrupt
        Called with the running number of a call, its name, and whether it is done (but not yet told).
    """

    def __init__(
        self, broker: FakeBroker, instance: str = "one", interrupt: Callable[[int, str, bool], None] | None = None
    ) -> None:
        self.broker, self.instance = broker, instance
        self.interrupt: Callable[[int, str, bool], None] = interrupt or (lambda *_: None)
        self.calls = 0
        self._alive = True

    def call(self, name: str, work: Callable[[], T]) -> T:
        """Every call of a client goes through here."""
        if not self._alive:
            raise Killed(name)
        self.calls += 1
        number = self.calls
        try:
            self.interrupt(number, name, False)
            self.broker.time_out()
            result = work()
            self.interrupt(number, name, True)
        except Killed:
            self._alive = False
            raise
        return result
