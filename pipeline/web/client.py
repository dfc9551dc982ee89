"""Asks the web port of a running daemon, as its settings say that one has to: with its token, by its certificate."""

import ssl
import urllib.error
import urllib.request
from typing import NamedTuple

from pipeline.settings import Web

PATIENCE = 5.0  # seconds that an answer may take


class WebClientError(RuntimeError):
    """The port does not answer; the message says why."""


class Answer(NamedTuple):
    """What the port answers.

    Attributes
    ----------
    code
        Of HTTP.
    body
        As text.
    """

    code: int
    body: str


def ask(web: Web, path: str, url: str = "") -> Answer:
    """Ask for a path.

    Parameters
    ----------
    web
        Settings of the daemon's port.
    path
        Such as /metrics.
    url
        Where the daemon answers; "": where the settings say.

    Raises
    ------
    WebClientError
        Nobody answers there, or the settings do not say where.
    """
    there = url or address(web)
    if not there:
        raise WebClientError("web.port is 0; say with --url where the daemon answers")
    headers = {"Authorization": f"Bearer {web.token}"} if web.token else {}
    try:
        request = urllib.request.Request(f"{there.rstrip('/')}{path}", headers=headers)
        with _opener(web).open(request, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return Answer(error.code, error.read().decode(errors="replace"))
    except (OSError, ValueError) as error:
        raise WebClientError(
            f"the daemon does not answer at {there}: {error}; is it running? --url says where it is"
        ) from error


def address(web: Web) -> str:
    """Where the daemon of these settings answers; "" where any free port was taken."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(web.host, f"[{web.host}]" if ":" in web.host else web.host)
    return f"{'https' if web.tls_certfile else 'http'}://{host}:{web.port}" if web.port else ""


def _opener(web: Web) -> urllib.request.OpenerDirector:
    """By no proxy; the daemon's own certificate is trusted by whatever name it is reached."""
    context = ssl.create_default_context()
    if web.tls_certfile:
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(web.tls_certfile)
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
