"""The web port: with a token only who brings it is answered, by TLS where that is set, and nothing secret is told."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from pipeline.settings import Settings, SettingsError, load, secrets, to_toml
from pipeline.web.access import COOKIE, Access
from pipeline.web.server import Web, WebError
from tests.certificates import Authority
from tests.shown import Daemon

TOKEN = "of-the-port-0123"


def served(access: Access) -> Web:
    daemon = Daemon()
    web = Web(
        daemon.metrics,
        daemon.status,
        daemon,
        lambda: daemon.trouble,
        lambda: True,
        "127.0.0.1",
        0,
        access,
        lambda: ["a warning"],
    )
    web.start()
    return web


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    web = served(Access(TOKEN))
    with httpx.Client(base_url=f"http://127.0.0.1:{web.port}", trust_env=False) as one:
        yield one
    web.stop()


PATHS = ["/metrics", "/api/status", "/api/series", "/api/series/pump", "/api/warnings", "/nowhere", "/"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Cookie": f"{COOKIE}={TOKEN}"},
        {"Cookie": "bad\x01cookie;;="},
    ],
)
def test_who_does_not_bring_the_token_is_refused(client: httpx.Client, path: str, headers: dict[str, str]) -> None:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 401
    assert "web.token" in answer.json()["error"]
    assert TOKEN not in answer.text


@pytest.mark.parametrize("path", PATHS[:5])
def test_who_brings_it_is_answered(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get(path, headers={"authorization": f"bearer  {TOKEN}"}).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_open(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_a_browser_signs_in_by_a_form_and_is_known_by_a_cookie(client: httpx.Client) -> None:
    asked = client.get("/", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["location"]) == (303, "login")
    form = client.get("/login")
    assert form.status_code == 200
    assert 'name="token" type="password"' in form.text
    assert "script" not in form.text
    wrong = client.post("/login", data={"token": "not-this-one"})
    assert (wrong.status_code, wrong.cookies.get(COOKIE)) == (401, None)
    right = client.post("/login", data={"token": TOKEN})
    assert (right.status_code, right.headers["location"]) == (303, "./")
    told = right.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    assert "secure" not in told
    assert TOKEN not in told
    assert client.get("/api/status").status_code == 200
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("body", [b"", b"token=", b"token=%ff%fe", b"x" * 20_000, b"token=a&token=b", b"\xff\x00"])
def test_a_form_that_is_none_is_refused(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/login", content=body)
    assert answer.status_code in (401, 413)
    assert "set-cookie" not in answer.headers


def test_without_a_token_everybody_is_answered() -> None:
    web = served(Access())
    assert httpx.get(f"http://127.0.0.1:{web.port}/api/status", trust_env=False).status_code == 200
    web.stop()


def test_with_a_certificate_it_speaks_tls_and_marks_the_cookie(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.sign("web")
    web = served(Access(TOKEN, str(certificate.file), str(certificate.key)))
    context = ssl.create_default_context(cafile=str(authority.file))
    with httpx.Client(base_url=f"https://127.0.0.1:{web.port}", verify=context, trust_env=False) as client:
        assert client.get("/healthz").status_code == 200
        assert "secure" in client.post("/login", data={"token": TOKEN}).headers["set-cookie"].lower()
        assert client.get("/api/status").status_code == 200
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{web.port}/healthz", trust_env=False)
    web.stop()


def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.sign("one"), authority.sign("other")
    wrong = [("/nowhere.pem", ""), (__file__, ""), (str(one.file), str(other.key)), (str(one.file), "")]
    wrong.append((str(one.file), str(one.locked("hush-hush"))))
    for certfile, keyfile in wrong:
        with pytest.raises(WebError, match=r"correct web.tls_certfile and web.tls_keyfile") as refused:
            served(Access("", certfile, keyfile))
        assert len(str(refused.value).splitlines()) == 1


def test_a_secret_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    file, settings = tmp_path / "token", tmp_path / "settings.toml"
    file.write_text(f"{TOKEN}\n")
    settings.write_text(f'[web]\ntoken_file = "{file}"\n')
    for found in (
        load(None, {"LSTM_STREAM_WEB__TOKEN_FILE": str(file)}, []),
        load(None, {}, [f"web.token_file={file}"]),
        load(str(settings), {}, []),
    ):
        assert found.web.token == TOKEN
        assert secrets(found) == (TOKEN,)
        assert TOKEN not in to_toml(found)


def test_a_file_for_a_secret_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"web.token_file is .*gone.*: No such file.*; name a file"):
        load(None, {}, [f"web.token_file={tmp_path / 'gone'}"])
    with pytest.raises(SettingsError, match="unknown key `port_file`"):
        load(None, {}, ["web.port_file=x"])


@pytest.mark.parametrize("token", ["short", "with space 123", "ümläute-123", "new\nline-123"])
def test_a_token_that_no_header_carries_is_refused_and_not_told(token: str) -> None:
    with pytest.raises(SettingsError, match=r"web.token has to be") as refused:
        load(None, {"LSTM_STREAM_WEB__TOKEN": token}, [])
    assert token not in str(refused.value)


def test_what_signs_in_within_a_url_is_masked() -> None:
    settings = load(None, {}, ["checkpoints.url=s3://KEY:very-secret@bucket/path"])
    assert "very-secret" not in to_toml(settings)
    assert "bucket/path" in to_toml(settings)
    assert "very-secret" in secrets(settings)
    assert load(None, {}, []) == Settings()
