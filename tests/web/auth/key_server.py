"""A server of key sets on this machine, which counts what it was asked for."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

JWKS = "/keys"


class KeyServer:
    """Answers GET /keys with `status`, `headers` and `body`; `asked` lists every path in order.

    `when_asked` is done before the answer.
    """

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, {"Content-Type": "application/json"}, b'{"keys": []}'
        self.asked: list[str] = []
        self.accepted: list[str | None] = []
        self.url = ""
        self.dripping = False
        self.when_asked: Callable[[], object] = bool

    def publish(self, *jwks: dict[str, Any]) -> None:
        self.status, self.body = 200, json.dumps({"keys": jwks}).encode()

    @property
    def jku(self) -> str:
        return self.url + JWKS


def handler_of(server: KeyServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.path)
            server.accepted.append(self.headers.get("Accept"))
            server.when_asked()
            if self.path != JWKS:
                self.send_response(200)
                self.end_headers()
                return
            self.send_response(server.status)
            for name, value in server.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(server.body)))
            self.end_headers()
            if server.dripping:
                drip(self)
            else:
                self.wfile.write(server.body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


def drip(handler: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then until nobody listens any more."""
    pause = threading.Event()
    with contextlib.suppress(OSError):
        while not pause.wait(0.02):
            handler.wfile.write(b" ")


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[KeyServer]:
    """A running server; with a certificate it speaks TLS as localhost."""
    known = KeyServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(known))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, daemon=True)
    thread.start()
    known.url = f"{'https' if certificate else 'http'}://localhost:{http.server_address[1]}"
    try:
        yield known
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def certify(folder: Path, names: Sequence[str] = ("localhost",)) -> Path:
    """A key and its own certificate for these names, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path
