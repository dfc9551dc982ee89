"""A token server (OAuth 2.0, client credentials) and the keys by which Apache Kafka verifies its tokens."""

import base64
import json
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs

from tests.certificates import openssl

AUDIENCE, CLIENT, SECRET = "kafka", "daemon", "of-the-client"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class TokenServer:
    """Answers `POST /token` and `GET /keys`, from `with` to the end of its block.

    Attributes
    ----------
    tokens
        How many it has given.
    audience
        Of the tokens that it gives.
    """

    def __init__(self, folder: Path) -> None:
        self._key = folder / "tokens.key"
        openssl("genrsa", "-out", self._key, "2048")
        self._modulus = openssl("rsa", "-in", self._key, "-noout", "-modulus").strip().partition("=")[2]
        self.tokens, self.audience, self.life = 0, AUDIENCE, 3600

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.tell(*outer.answer(self.headers.get("Authorization", ""), form))

            def do_GET(self) -> None:
                self.tell(200, outer.keys())

            def tell(self, code: int, content: object) -> None:
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, authorization: str, form: dict[str, list[str]]) -> tuple[int, object]:
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {expected}" or form.get("grant_type") != ["client_credentials"]:
            return 401, {"error": "invalid_client"}
        self.tokens += 1
        return 200, {"access_token": self._token(), "expires_in": self.life, "token_type": "Bearer"}

    def keys(self) -> object:
        modulus = encoded(bytes.fromhex(self._modulus))
        return {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": modulus, "e": "AQAB"}]}

    def _token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": CLIENT,
            "aud": self.audience,
            "iat": now,
            "exp": now + self.life,
            "scope": "kafka",
        }
        head = {"alg": "RS256", "kid": "1", "typ": "JWT"}
        signed = ".".join(encoded(json.dumps(one).encode()) for one in (head, claims))
        command = ["openssl", "dgst", "-sha256", "-sign", str(self._key)]
        signature = subprocess.run(command, input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{encoded(signature)}"
