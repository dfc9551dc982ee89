"""Sends the originals of dead letters to the input again, each once.

One transaction for each `BATCH` of them: the records, in the partition of the input that they came from, and a receipt
in the dead-letter topic. What a crash leaves open is aborted, and replayed by the next attempt. All attempts of a group
work under one transactional id: a second one at the same time makes the broker refuse the first.
"""

from collections.abc import Callable, Mapping

from pipeline.cluster import (
    ClusterError,
    KafkaError,
    ProducerFencedError,
    TransactionalWriter,
    describe,
    read_topic,
)
from pipeline.dead_letter_topic import Box, Letter, box_of, original, receipt
from pipeline.settings import Settings

BATCH = 500
"""Originals of a transaction."""


def read_box(settings: Settings) -> Box:
    """What lies in the dead-letter topic.

    Raises
    ------
    ClusterError
        The cluster does not answer, or there is no such topic.
    """
    topic = settings.kafka.dead_letters
    if topic not in describe(settings).topics:
        raise ClusterError(f"topic `{topic}` is missing; correct kafka.dead_letters, or run `lstm-stream topics`")
    return box_of(read_topic(settings, topic))


def resend(settings: Settings, reason: str | None, progress: Callable[[int], object]) -> int:
    """Send what has not been sent again yet; how many records that were.

    What lies in the topic is read after the transactional id was taken, so that no other attempt can be between.

    Raises
    ------
    ClusterError
        The cluster refuses. What `progress` was told is sent, the rest is not.
    """
    sent = 0
    try:
        with TransactionalWriter(settings, f"{settings.kafka.group}-dead-letters") as writer:
            letters = read_box(settings).to_replay(reason)
            partitions = _partitions(settings, letters)
            for batch in (letters[start : start + BATCH] for start in range(0, len(letters), BATCH)):
                with writer.transaction():
                    for one in batch:
                        topic, place, _ = one.source
                        stays = place if place < partitions[topic] else None
                        writer.write(topic, original(one), stays, one.timestamp)
                    writer.write(settings.kafka.dead_letters, receipt(batch))
                sent += len(batch)
                progress(len(batch))
    except ProducerFencedError as error:
        told = "another replay of this group has begun; wait for its end, and look what is left"
        raise ClusterError(f"{told} ({sent} records were sent again)") from error
    except KafkaError as error:
        told = f"{error or type(error).__name__}; try again: what was sent is not sent twice"
        raise ClusterError(f"the replay has ended after {sent} records: {told}") from error
    return sent


def _partitions(settings: Settings, letters: list[Letter]) -> Mapping[str, int]:
    """How many each topic has that letters came from."""
    partitions = {name: topic.partitions for name, topic in describe(settings).topics.items()}
    gone = sorted({one.source[0] for one in letters} - partitions.keys())
    if gone:
        raise ClusterError(f"topic `{gone[0]}`, where dead letters came from, is gone; create it, and try again")
    return partitions
