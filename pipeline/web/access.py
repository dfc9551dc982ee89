"""Who may read the web port: with a token set, only who brings it, but for the probes and the way to sign in.

Programs bring it as ``Authorization: Bearer TOKEN``. A browser signs in by a form and gets a cookie, since neither its
stream of events nor the files of a page can bring a header. The cookie holds a digest of the token, not the token.
"""

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

COOKIE = "lstm_stream_token"
OPEN = frozenset({"/healthz", "/readyz", "/login"})
"""Answered without a token: whoever probes a process has none."""
FILES = "/page/"  # style and scripts, in which nothing is secret
LARGEST_FORM = 10_000  # bytes

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
STYLE = (
    "body{font:16px system-ui,sans-serif;display:grid;place-items:center;min-height:90vh;color-scheme:light dark}"
    "form{display:grid;gap:.6em;min-width:16em}input,button{font:inherit;padding:.4em}"
)
FORM = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>lstm-stream</title><style>{style}</style></head><body><form method="post" action="login">
<h1>lstm-stream</h1><label for="token">Token (web.token)</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>Sign in</button><p role="alert">{said}</p></form></body></html>
"""


class Access(NamedTuple):
    """Who may ask, and how.

    Attributes
    ----------
    token
        What has to be brought; "": nothing.
    certfile, keyfile
        PEM of the port's certificate and key; "": it speaks HTTP.
    """

    token: str = ""
    certfile: str = ""
    keyfile: str = ""

    @property
    def scheme(self) -> str:
        """Of the port's URL."""
        return "https" if self.certfile else "http"


EVERYBODY = Access()


class Guard:
    """Stands before an application; streams pass through it as they are.

    Parameters
    ----------
    application
        Answers who may ask.
    token
        Who brings it may; "": everybody may.
    is_tls
        Whether the port speaks TLS: then the cookie is for TLS only.
    """

    def __init__(self, application: Application, token: str, is_tls: bool) -> None:
        self._application, self._token, self._is_tls = application, token.encode(), is_tls
        self._cookie = hmac.new(self._token, b"lstm-stream cookie", hashlib.sha256).hexdigest()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if not self._token or scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        request = Request(scope, receive)
        if request.url.path == "/login":
            await (await self._login(request))(scope, receive, send)
        elif request.url.path in OPEN or request.url.path.startswith(FILES) or self._may(request):
            await self._application(scope, receive, send)
        else:
            await self._refusal(request)(scope, receive, send)

    def _may(self, request: Request) -> bool:
        kind, _, brought = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and hmac.compare_digest(brought.strip().encode(), self._token):
            return True
        return any(hmac.compare_digest(one.encode(), self._cookie.encode()) for one in _cookies(request))

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return _form("")
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_FORM:
                return _form("That is no token.", 413)
        given = parse_qs(body.decode(errors="replace")).get("token", [""])[0]
        if not hmac.compare_digest(given.strip().encode(), self._token):
            return _form("That is not the token of web.token.", 401)
        answer = RedirectResponse("./", 303, {"Cache-Control": "no-store"})
        answer.set_cookie(COOKIE, self._cookie, path="/", httponly=True, samesite="strict", secure=self._is_tls)
        return answer

    def _refusal(self, request: Request) -> Response:
        if request.method == "GET" and request.url.path == "/" and "text/html" in request.headers.get("accept", ""):
            return RedirectResponse("login", 303, {"Cache-Control": "no-store"})
        told = "a token is wanted: send `Authorization: Bearer` and the token of web.token, or sign in at /login"
        return JSONResponse({"error": told}, 401, {"WWW-Authenticate": "Bearer", "Cache-Control": "no-store"})


def _cookies(request: Request) -> Iterator[str]:
    """All of ours: a browser may send several of one name."""
    for header in request.headers.getlist("cookie"):
        try:
            found = SimpleCookie(header).get(COOKIE)
        except CookieError:
            continue
        if found is not None:
            yield found.value


def _form(said: str, code: int = 200) -> Response:
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    headers = {name: text.replace("{}", digest) for name, text in HEADERS.items()}
    return HTMLResponse(FORM.format(style=STYLE, said=said), code, headers)
