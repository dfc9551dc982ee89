"""Rights that are missing on a real cluster: one line names the command that gives them, and then all heals."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from kafka.admin import ACLResourcePatternType as Pattern
from msgspec import structs

from pipeline.settings import Settings
from tests.servers import ApacheKafka, wait_until
from tests.test_mishaps import admin_of, forecasts, settings_for, working, write

ALICE = "User:alice"


def signed_in(settings: Settings, broker: ApacheKafka) -> Settings:
    """The same for a user whose rights the broker looks at."""
    kafka = structs.replace(
        settings.kafka,
        bootstrap_servers=broker.sasl_servers,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="alice",
        sasl_password="secret",
    )
    return structs.replace(settings, kafka=kafka)


@contextmanager
def without(settings: Settings, kind: ResourceType, name: str, operation: ACLOperation) -> Iterator[None]:
    """Alice lacks one right until the end of the block."""
    pattern = Pattern.PREFIXED if kind is ResourceType.TRANSACTIONAL_ID else Pattern.LITERAL
    where = ResourcePattern(kind, name, pattern)
    rest = ACL(ALICE, "*", ACLOperation.ALL, ACLPermissionType.ALLOW, where)
    with admin_of(settings) as admin:
        admin.create_acls([rest, ACL(ALICE, "*", operation, ACLPermissionType.DENY, where)])
        try:
            yield
        finally:
            whole = ResourcePatternFilter(kind, name, pattern)
            admin.delete_acls([ACLFilter(ALICE, "*", operation, ACLPermissionType.DENY, whole)])


CASES = {
    "read": (ResourceType.TOPIC, "{}-in", ACLOperation.READ, "--operation Read --topic no-right-read-in"),
    "see": (ResourceType.TOPIC, "{}-in", ACLOperation.DESCRIBE, "or we may not see it"),
    "write": (ResourceType.TOPIC, "{}-out", ACLOperation.WRITE, "--operation Write --topic no-right-write-out"),
    "letters": (ResourceType.TOPIC, "{}-dead", ACLOperation.WRITE, "--operation Write --topic no-right-letters-dead"),
    "join": (ResourceType.GROUP, "{}", ACLOperation.READ, "--operation Read --group no-right-join"),
    "commit": (
        ResourceType.TRANSACTIONAL_ID,
        "{}-",
        ACLOperation.WRITE,
        "--operation Write --transactional-id no-right-commit-",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_right_that_is_missing_is_one_line_with_the_command_and_nothing_is_lost(
    case: str, apache_kafka: ApacheKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kind, resource, operation, said = CASES[case]
    name = f"no-right-{case}"  # topics of its own: the tests share the broker
    settings = settings_for(apache_kafka, name, tmp_path)
    write(settings, b"bad", *(b"%d" % number for number in range(10)))
    alices = signed_in(settings, apache_kafka)
    with without(settings, kind, resource.format(name), operation), working(alices) as worker:
        wait_until(lambda: said in caplog.text, "the missing right to be said")
        assert not worker.ready()
    with working(alices):
        wait_until(lambda: len(forecasts(settings)) == 10, "all forecasts, now that it is there")
    ours = [record for record in caplog.records if record.name.startswith("pipeline.")]  # all that a daemon shows
    lines = [record for record in ours if record.levelname in ("WARNING", "ERROR")]
    assert [said in record.getMessage() for record in lines].count(True) == 1
    assert not any(record.exc_info for record in lines)
