"""Input topics that are compacted: Kafka removes records of them that nobody has read yet, and no offset tells."""

import logging
from collections.abc import Set

from pipeline.cluster import Clients

logger = logging.getLogger(__name__)


def tell_compacted(clients: Clients, topics: Set[str]) -> Set[str]:
    """Say which of these topics are compacted; those that were asked for."""
    if not topics:
        return topics
    admin = clients.admin()
    try:
        compacted = admin.compacted(topics)
    finally:
        admin.close()
    for name in compacted:
        logger.warning(
            "topic `%s` is compacted (cleanup.policy): Kafka removes all but the newest record of each key, read or"
            " not, and without a trace; set cleanup.policy = delete, and retention.ms to what you need",
            name,
        )
    return topics
