"""Takes a dead worker out of its group, so that its partitions need not wait for `kafka.session_timeout`."""

import logging
from typing import NotRequired, Protocol, TypedDict

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.errors import KafkaError

from pipeline.cluster.connection import ClusterError, connected, reason
from pipeline.settings import Kafka

logger = logging.getLogger(__name__)

REQUEST_MS = 10_000


class _Member(TypedDict):
    member_id: str
    client_id: str


class _Group(TypedDict):
    members: NotRequired[list[_Member]]


class _Admin(Protocol):
    """What is used of `kafka.KafkaAdminClient`."""

    def describe_groups(self, group_ids: list[str]) -> dict[str, _Group]: ...
    def remove_group_members(self, group_id: str, members: list[MemberToRemove]) -> object: ...
    def close(self) -> None: ...


def take_out(kafka: Kafka, client_id: str) -> int:
    """Take the members with this client id out of the group; how many. The process behind it has to be dead.

    Where that cannot be done, the session of the dead one ends by itself: it is only told.
    """
    try:
        admin: _Admin = connected(KafkaAdminClient, kafka, request_timeout_ms=REQUEST_MS)
        try:
            return _taken_out(admin, kafka.group, client_id)
        finally:
            admin.close()
    except (KafkaError, ClusterError, ValueError) as error:  # the embedded broker's answer holds unknown values
        logger.info("the worker before stays in the group until its session ends: %s", reason(error))
        return 0


def _taken_out(admin: _Admin, group: str, client_id: str) -> int:
    described = admin.describe_groups([group])[group]
    dead = [one["member_id"] for one in described.get("members", ()) if one["client_id"] == client_id]
    if dead:
        admin.remove_group_members(group, [MemberToRemove(member_id=member) for member in dead])
        logger.info("the worker before is taken out of the group `%s`", group)
    return len(dead)
