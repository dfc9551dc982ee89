"""What lies in the dead-letter topic, by reason, and which of it has been sent to the input again.

A letter that was replayed has a receipt: a later record of the same topic that names the offsets of letters. It is
written in the same transaction as the records that were sent again, so no letter is replayed twice.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from pipeline.dead_letters import NULL_KEY, REASON, REASONS, TRUNCATED, whys
from pipeline.messages import Outgoing, Record

RECEIPT = "lstm_stream.replayed"
"""Header of a receipt."""
Source = tuple[str, int, int]
LONGEST = 200  # characters of a value that are shown


class Letter(msgspec.Struct, frozen=True):
    """A dead letter.

    Attributes
    ----------
    partition, offset
        Where it lies in the dead-letter topic.
    reason, detail
        Why it is one.
    source
        Topic, partition and offset of the original record.
    timestamp
        Kafka's own time of the original, ms since the epoch; None where an older version wrote the letter.
    key, value, headers
        Of the original.
    is_whole
        Whether key, value and headers are all there: they are cut where they would not fit. A record without key and
        value cannot be sent by the client.
    """

    partition: int
    offset: int
    reason: str
    detail: str
    source: Source
    timestamp: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    is_whole: bool


class Example(msgspec.Struct, frozen=True):
    """One letter as it is told."""

    topic: str
    partition: int
    offset: int
    detail: str
    value: str


class Pile(msgspec.Struct, frozen=True):
    """All letters of one reason.

    Attributes
    ----------
    reason, meaning
        As in `lstm_stream.reason`.
    letters, replayed
        How many there are, and how many of these were sent to the input again.
    examples
        The newest.
    """

    reason: str
    meaning: str
    letters: int
    replayed: int
    examples: tuple[Example, ...]


class Box(msgspec.Struct, frozen=True):
    """What was read of the dead-letter topic.

    Attributes
    ----------
    letters
        In the order of their partitions.
    replayed
        Partition and offset of those that have a receipt.
    others
        Records that are no letters of ours.
    """

    letters: tuple[Letter, ...]
    replayed: frozenset[tuple[int, int]]
    others: int

    def piles(self, reason: str | None, examples: int) -> list[Pile]:
        """By reason, the largest first, each with so many examples."""
        done = self._done()
        by_reason: dict[str, list[Letter]] = {}
        for one in self._of(reason):
            by_reason.setdefault(one.reason, []).append(one)
        piles = (_pile(reason, letters, done, examples) for reason, letters in by_reason.items())
        return sorted(piles, key=lambda pile: (-pile.letters, pile.reason))

    def _of(self, reason: str | None) -> list[Letter]:
        return [one for one in self.letters if reason is None or one.reason == reason]

    def _done(self) -> set[Source]:
        """Originals that were sent again, whichever of their letters was asked for."""
        return {one.source for one in self.letters if (one.partition, one.offset) in self.replayed}

    def to_replay(self, reason: str | None) -> list[Letter]:
        """Those whose originals can be sent again and were not: one for each original, however many it has."""
        done, by_source = self._done(), dict[Source, Letter]()
        for one in self._of(reason):
            if one.source not in done and (one.is_whole or one.source not in by_source):
                by_source[one.source] = one
        return sorted((one for one in by_source.values() if one.is_whole), key=lambda one: one.source)

    def cut(self, reason: str | None) -> int:
        """How many originals can't be sent again, as all of their letters were cut."""
        whole = {one.source for one in self.letters if one.is_whole}
        return len({one.source for one in self._of(reason)} - whole)


def box_of(records: Iterable[Record]) -> Box:
    """Sort what the dead-letter topic holds."""
    letters: list[Letter] = []
    replayed: set[tuple[int, int]] = set()
    others = 0
    for record in records:
        headers = tuple((name, content or b"") for name, content in record.headers)
        if any(name == RECEIPT for name, _ in headers):
            replayed |= _receipted(record.value or b"")
        elif letter := _letter(record, headers):
            letters.append(letter)
        else:
            others += 1
    return Box(tuple(letters), frozenset(replayed), others)


def _pile(reason: str, letters: Sequence[Letter], done: AbstractSet[Source], examples: int) -> Pile:
    return Pile(
        reason=reason,
        meaning=REASONS.get(reason, "not known to this version"),
        letters=len(letters),
        replayed=sum(one.source in done for one in letters),
        examples=tuple(map(_example, letters[-examples:])) if examples else (),
    )


def original(letter: Letter) -> Outgoing:
    """The record that the letter was made of, as it came."""
    return Outgoing(letter.key, letter.value, letter.headers)


def receipt(letters: Sequence[Letter]) -> Outgoing:
    """What says that these were replayed."""
    offsets: dict[str, list[int]] = {}
    for one in letters:
        offsets.setdefault(str(one.partition), []).append(one.offset)
    first = letters[0]
    key = f"{RECEIPT}/{first.partition}/{first.offset}".encode()
    return Outgoing(key, msgspec.json.encode(offsets), ((RECEIPT, str(len(letters)).encode()),))


def _receipted(value: bytes) -> set[tuple[int, int]]:
    try:
        told = msgspec.json.decode(value, type=dict[int, list[int]])
    except msgspec.DecodeError:
        return set()
    return {(partition, offset) for partition, offsets in told.items() for offset in offsets}


def _letter(record: Record, headers: tuple[tuple[str, bytes], ...]) -> Letter | None:
    if REASON not in dict(headers):
        return None
    theirs, why = whys(headers)
    told = {name.removeprefix("lstm_stream."): content.decode(errors="replace") for name, content in why}
    try:
        source = (told["topic"], int(told["partition"]), int(told["offset"]))
        timestamp = int(told["timestamp"]) if "timestamp" in told else None
    except (KeyError, ValueError):
        return None
    names = {name for name, _ in why}
    return Letter(
        partition=record.partition,
        offset=record.offset,
        reason=told["reason"],
        detail=told.get("detail", ""),
        source=source,
        timestamp=timestamp,
        key=record.key,
        value=record.value,
        headers=theirs,
        is_whole=not {TRUNCATED, NULL_KEY} & names,
    )


def _example(letter: Letter) -> Example:
    text = (letter.value or b"").decode(errors="replace")
    return Example(*letter.source, letter.detail, text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}...")
