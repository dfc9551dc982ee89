"""The files of the live page, from `pipeline/web/page`."""

from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("page")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
        " form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Nothing from elsewhere, no script or style in markup, no markup made of text: names of series are a stranger's."""
MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".txt": "text/plain",
    ".svg": "image/svg+xml",
}


class PageFile(NamedTuple):
    """One file.

    Attributes
    ----------
    tag
        Another one for each content, in quotes, as the header `ETag` has it.
    """

    content: bytes
    media_type: str
    tag: str


def page_files() -> dict[str, PageFile]:
    """All files by name."""
    return {file.name: _page_file(file) for file in FOLDER.iterdir() if file.suffix in MEDIA_TYPES}


def _page_file(file: Path) -> PageFile:
    content = file.read_bytes()
    return PageFile(content, MEDIA_TYPES[file.suffix], f'"{blake2b(content, digest_size=8).hexdigest()}"')
