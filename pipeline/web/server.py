"""One HTTP port: metrics, health, and a live page with its JSON."""

import errno
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline.web.access import EVERYBODY, Access, Guard
from pipeline.web.page_files import HEADERS, page_files
from pipeline.web.series_list import Asked, BusyError, Listing
from pipeline.web.status import Status
from pipeline.web.stream import MOST, Questions, Streams

USUAL_NAMES, MOST_NAMES = 1000, 10_000  # of series in one answer: unless the question says how many, and at most
LONGEST_STOP = 3  # seconds that requests under way may still take when the daemon ends


AnyQuestion = TypeVar("AnyQuestion", Asked, Listing)


class WebError(RuntimeError):
    """The port can't be opened; the message says what to do."""


class Web:
    """Serves what the callables say, from threads of its own.

    `questions` may take a moment: health, status and metrics are answered meanwhile. The others have to be quick.

    Parameters
    ----------
    metrics_render
        The page of metrics and its content type.
    status
        The worker at this moment.
    questions
        Answers for series.
    trouble
        Why the process should be started again; "" while all is well.
    ready
        Whether it has its partitions and has caught up.
    host, port
        Where to listen; port 0 takes any free one.
    access
        Who may ask, and whether by TLS.
    warnings
        The last warnings and errors of the log.
    """

    def __init__(
        self,
        metrics_render: Callable[[], tuple[bytes, str]],
        status: Callable[[], Status],
        questions: Questions,
        trouble: Callable[[], str],
        ready: Callable[[], bool],
        host: str,
        port: int,
        access: Access = EVERYBODY,
        warnings: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._metrics = metrics_render
        self._status = status
        self._questions = questions
        self._trouble = trouble
        self._ready = ready
        self._files = page_files()
        self._streams = Streams(status, questions)
        self._warnings = warnings
        _check(access)
        self._socket = _listen(host, port)
        guarded = Guard(self._routes(), access.token, bool(access.certfile))
        self._server = uvicorn.Server(_quiet(guarded, access))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that it listens on."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Begin to answer; who connects before has to wait, and is not refused."""
        self._thread.start()

    def stop(self) -> None:
        """End; requests under way get a moment."""
        self._streams.stop()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(LONGEST_STOP + 2)
        self._socket.close()

    def _routes(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._answer_page),
                Route("/page/{name}", self._answer_file),
                Route("/metrics", self._answer_metrics),
                Route("/healthz", self._answer_healthy),
                Route("/readyz", self._answer_ready),
                Route("/api/status", self._answer_status),
                Route("/api/stream", self._answer_stream),
                Route("/api/list", self._answer_list),
                Route("/api/warnings", self._answer_warnings),
                Route("/api/series", self._answer_names),
                Route("/api/series/{name:path}", self._answer_series),
            ]
        )

    async def _answer_page(self, request: Request) -> Response:
        return self._file("index.html", request)

    async def _answer_file(self, request: Request) -> Response:
        return self._file(request.path_params["name"], request)

    def _file(self, name: str, request: Request) -> Response:
        """A file of the page; the browser asks each time whether it is still the same."""
        if name not in self._files:
            return _json({"error": f"the page has no file {name!r}"}, 404)
        file = self._files[name]
        headers = {**HEADERS, "ETag": file.tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(None, 304, headers)
        return Response(file.content, headers=headers, media_type=file.media_type)

    async def _answer_metrics(self, _: Request) -> Response:
        content, content_type = self._metrics()
        return Response(content, headers={"Content-Type": content_type})

    async def _answer_healthy(self, _: Request) -> Response:
        trouble = self._trouble()
        return _json({"healthy": not trouble, "reason": trouble or "the loop turns"}, 503 if trouble else 200)

    async def _answer_ready(self, _: Request) -> Response:
        ready, status = self._ready(), self._status()
        reason = f"{status.state}: {status.message}" if status.message else status.state
        return _json({"ready": ready, "reason": reason}, 200 if ready else 503)

    async def _answer_status(self, _: Request) -> Response:
        return _json(self._status())

    async def _answer_warnings(self, _: Request) -> Response:
        return _json(self._warnings())

    def _answer_names(self, request: Request) -> Response:
        """Answer with names of series: those that hold `search`, at most `limit` of them, and how many there are.

        Not async, so that it runs in a thread of its own: to search many names takes a while.
        """
        search, after = request.query_params.get("search", ""), request.query_params.get("after", "")
        limit = request.query_params.get("limit", str(USUAL_NAMES))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and int(limit) <= MOST_NAMES):
            expected = f"a whole number to {MOST_NAMES}; after=<last name> goes on from there"
            return _json({"error": f"limit is {limit!r}, expected {expected}"}, 400)
        return _json(self._questions.find(search, after, int(limit)))

    def _answer_list(self, request: Request) -> Response:
        """Answer with a part of the list of series, with how they do; not async, as it is put in order."""
        try:
            asked = _asked(request, Listing)
        except msgspec.ValidationError as error:
            return _refused(error)
        return _json(self._questions.listed(asked))

    def _answer_series(self, request: Request) -> Response:
        """Answer with one series; not async, as it may wait a moment for the worker to come by."""
        name: str = request.path_params["name"]
        try:
            asked = _asked(request, Asked)
            found = self._questions.series(name, asked.at, asked.horizon)
        except msgspec.ValidationError as error:
            return _refused(error)
        except BusyError as busy:
            return _json({"error": f"{busy}"}, 503, {"Retry-After": "1"})
        if found is None:
            where = "here" if asked.at is None else f"in {asked.at!r} here"
            return _json({"error": f"there is no series {name!r} {where}; /api/series lists them"}, 404)
        return _json(found)

    async def _answer_stream(self, request: Request) -> Response:
        """Answer with server-sent events, until the client goes."""
        try:
            listing, asked = _asked(request, Listing), _asked(request, Asked)
        except msgspec.ValidationError as error:
            return _refused(error)
        if not self._streams.have_room():
            said = f"{MOST} live pages are open at this daemon, which are all that it serves; close one"
            return _json({"error": said}, 503, {"Retry-After": "10"})
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._streams.events(listing, asked), 200, headers, media_type="text/event-stream")


def _asked(request: Request, kind: type[AnyQuestion]) -> AnyQuestion:
    """The parameters of a question.

    Raises
    ------
    msgspec.ValidationError
        One is not as it should be.
    """
    asked: AnyQuestion = msgspec.convert(dict(request.query_params), kind, strict=False)
    return asked


def _refused(error: msgspec.ValidationError) -> Response:
    return _json({"error": f"{error}".replace("`$.", "`")}, 400)


def _json(content: object, code: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    told = {"Cache-Control": "no-store", **(headers or {})}
    return Response(msgspec.json.encode(content), code, told, media_type="application/json")


def _check(access: Access) -> None:
    """Whether certificate and key can be used: the server would find out in a thread of its own."""
    if not access.certfile:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(access.certfile, access.keyfile or None, lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise WebError(
            f"the certificate of the web port can't be used: {error}; correct web.tls_certfile and web.tls_keyfile"
        ) from error


def _quiet(app: Guard, access: Access) -> uvicorn.Config:
    """Settle how uvicorn runs: as a guest, it neither sets up logging nor tells of each request."""
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=LONGEST_STOP,
        ssl_certfile=access.certfile or None,
        ssl_keyfile=access.keyfile or None,
    )


_FIXES = {
    errno.EADDRINUSE: "the port is taken; set web.port to another one, or to 0 for any free one",
    errno.EACCES: "permission denied; set web.port to 1024 or above",
    errno.EADDRNOTAVAIL: "this machine has no such address; set web.host to 127.0.0.1, or to 0.0.0.0 for all",
}


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except socket.gaierror as error:
        fix = "the name is not known; set web.host to 127.0.0.1, or to 0.0.0.0 for all addresses"
        raise WebError(f"can't listen on {host}:{port}: {fix}") from error
    except OSError as error:
        fix = _FIXES.get(error.errno or 0, str(error))
        raise WebError(f"can't listen on {host}:{port}: {fix}") from error
