"""Certificates for the tests, made by the command `openssl`."""

import subprocess
from pathlib import Path

HOST = "127.0.0.1"


def openssl(*arguments: str | Path) -> str:
    """Run it; what it prints."""
    command = ["openssl", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


class Authority:
    """Signs certificates in a folder of its own.

    Attributes
    ----------
    file
        PEM of its own certificate.
    """

    def __init__(self, folder: Path, name: str = "authority") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._key, self.file = folder, folder / f"{name}.key", folder / f"{name}.pem"
        openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}"),
            *("-keyout", self._key, "-out", self.file),
        )

    def sign(self, name: str, host: str = HOST, days: int = 30) -> "Certificate":
        """A certificate for a host; with 0 days it has expired a second later."""
        key, request, signed = (self._folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        extensions = self._folder / f"{name}.ext"
        kind = "IP" if host[0].isdigit() else "DNS"
        extensions.write_text(f"subjectAltName={kind}:{host}\nbasicConstraints=CA:FALSE\n")
        openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", request),
        )
        openssl(
            *("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", str(days), "-extfile", extensions, "-out", signed),
        )
        return Certificate(signed, key)


class Certificate:
    """A certificate and its key.

    Attributes
    ----------
    file, key
        PEM.
    """

    def __init__(self, file: Path, key: Path) -> None:
        self.file, self.key = file, key

    @property
    def both(self) -> Path:
        """A PEM file of the two, the key first, as Apache Kafka reads it."""
        file = self.file.with_suffix(".both.pem")
        file.write_text(self.key.read_text() + self.file.read_text())
        return file

    def locked(self, password: str) -> Path:
        """The key in a file that needs a password."""
        file = self.key.with_suffix(".locked.key")
        openssl("rsa", "-aes256", "-in", self.key, "-passout", f"pass:{password}", "-out", file)
        return file
