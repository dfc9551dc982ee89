"""Tokens for SASL's OAUTHBEARER, by OAuth 2.0's client credentials (RFC 6749, 4.4)."""

import base64
import http.client
import json
import ssl
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from kafka.net.sasl.oauth import AbstractTokenProvider

from pipeline.settings import Kafka

PATIENCE = 10.0  # seconds that the token server may take
FRESH = 0.8
"""Of its life, after which a token is not given out any more."""
USUAL_LIFE = 300.0  # seconds, where the token server does not tell


class TokenError(RuntimeError):
    """There is no token; the message is one line and names the setting."""


class _Token(NamedTuple):
    text: str
    until: float


class ClientCredentials(AbstractTokenProvider):
    """Fetches tokens, and keeps each while it is fresh; for any thread.

    Parameters
    ----------
    kafka
        The settings `oauth_...`.
    now
        The time in seconds, from any start.
    """

    def __init__(self, kafka: Kafka, now: Callable[[], float] = time.monotonic) -> None:
        self._kafka, self._now = kafka, now
        self._lock = threading.Lock()
        self._token: _Token | None = None

    def token(self) -> str:
        """A token that the broker takes for a while.

        Raises
        ------
        TokenError
            The token server does not answer, or refuses.
        """
        with self._lock:
            if self._token is None or self._now() >= self._token.until:
                self._token = self._fetch()
            return self._token.text

    def _fetch(self) -> _Token:
        asked = self._now()
        told = self._answer()
        text, life = told.get("access_token"), told.get("expires_in", USUAL_LIFE)
        if not isinstance(text, str):
            raise TokenError(f"{self._kafka.oauth_token_url} tells no access_token; correct kafka.oauth_token_url")
        seconds = float(life) if isinstance(life, int | float | str) else USUAL_LIFE
        return _Token(text, asked + FRESH * seconds)

    def _answer(self) -> dict[str, object]:
        kafka = self._kafka
        url = kafka.oauth_token_url
        try:
            context = ssl.create_default_context(cafile=kafka.oauth_cafile or None)
            with urllib.request.urlopen(self._request(), timeout=PATIENCE, context=context) as response:
                told = json.load(response)
        except urllib.error.HTTPError as error:
            raise TokenError(
                f"{url} refuses client `{kafka.oauth_client_id}` ({error.code}{_reason(error)}); correct"
                " kafka.oauth_client_id, kafka.oauth_client_secret and kafka.oauth_scope"
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise TokenError(f"{url} does not answer: {error}; correct kafka.oauth_token_url") from error
        except ValueError as error:
            raise TokenError(f"{url} does not tell JSON; correct kafka.oauth_token_url") from error
        return told if isinstance(told, dict) else {}

    def _request(self) -> urllib.request.Request:
        kafka = self._kafka
        form = {"grant_type": "client_credentials"} | ({"scope": kafka.oauth_scope} if kafka.oauth_scope else {})
        name, secret = (urllib.parse.quote(one, safe="") for one in (kafka.oauth_client_id, kafka.oauth_client_secret))
        return urllib.request.Request(
            kafka.oauth_token_url,
            urllib.parse.urlencode(form).encode(),
            {
                "Authorization": f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}",
                "Accept": "application/json",
            },
        )


@lru_cache(maxsize=4)
def credentials_of(kafka: Kafka) -> ClientCredentials:
    """The provider that all clients with these settings share, so that they share its tokens."""
    return ClientCredentials(kafka)


def _reason(error: urllib.error.HTTPError) -> str:
    """What RFC 6749 calls the error, such as `invalid_client`; "" where nothing is told."""
    try:
        told = json.loads(error.read(10_000))
    except (ValueError, OSError):
        return ""
    found = told.get("error") if isinstance(told, dict) else None
    return f", {found}" if isinstance(found, str) else ""
