"""Names that other clients can send."""


class NotUtf8(str):
    """A name for a header that other clients can send, and this one only so."""

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002
        return b"h\xff"
