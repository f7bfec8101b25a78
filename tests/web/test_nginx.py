"""The example configuration of nginx, loaded by nginx, in front of a real server; skipped without nginx."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .answers import NOW, RULEBOOKS, VIEW, view_call
from .test_serve import Server, free_port

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
EXAMPLE = Path(__file__).parents[2] / "docs/nginx.example.conf"
NAME = "cds.example.org"
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")


def certificate(folder: Path) -> None:
    """A certificate of its own for the name of the example."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(key.private_bytes(*form))
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


class Proxy:
    """nginx with the example, its ports and files replaced and nothing else."""

    def __init__(self, folder: Path, behind: int) -> None:
        certificate(folder)
        self.port = free_port()
        text = EXAMPLE.read_text(encoding="utf-8")
        for seen, put in (
            ("/etc/cds/tls/", f"{folder}/"),
            ("127.0.0.1:5000", f"127.0.0.1:{behind}"),
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
        ):
            assert seen in text
            text = text.replace(seen, put)
        self.file = folder / "nginx.conf"
        self.file.write_text(f"pid {folder}/nginx.pid;\nerror_log {folder}/error.log;\ndaemon off;\n{text}")
        assert NGINX is not None
        self.command = [NGINX, "-p", str(folder), "-c", str(self.file)]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = str(folder / "fullchain.pem")
        self.url = f"https://{NAME}:{self.port}"

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(self.command)
        for _ in range(1_000):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return process
            except ConnectionRefusedError:
                assert process.poll() is None, "nginx ended"
        raise AssertionError("nginx does not listen")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    running = Server("--rules", str(RULEBOOKS), "--today", NOW.date().isoformat())
    made = Proxy(tmp_path_factory.mktemp("nginx"), running.port)
    nginx = made.start()
    yield made
    nginx.terminate()
    nginx.wait(20)
    running.stop()


@pytest.fixture(autouse=True)
def names_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of the example is an address of this machine."""
    real = socket.getaddrinfo

    def here(host: str, *rest: object, **more: object) -> object:
        return real("127.0.0.1" if host == NAME else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", here)


def test_nginx_takes_the_example(proxy: Proxy):
    tried = subprocess.run([*proxy.command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    assert "warn" not in tried.stderr


def test_calls_over_tls_get_their_cards(proxy: Proxy):
    assert len(proxy.session.get(f"{proxy.url}/cds-services", timeout=20).json()["services"]) == 2
    for _ in range(5):
        response = proxy.session.post(proxy.url + VIEW, json=view_call(), timeout=20)
        assert response.status_code == 200
        assert response.json()["cards"]
        assert response.headers["Cache-Control"] == "no-store"


def test_nothing_else_can_be_reached(proxy: Proxy):
    for path in ("/", "/readyz", "/healthz", "/metrics"):
        assert proxy.session.get(proxy.url + path, timeout=20).status_code == 404


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(proxy: Proxy):
    old = ssl.create_default_context(cafile=proxy.session.verify)
    old.set_ciphers("DEFAULT@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", proxy.port)) as plain:
        old.wrap_socket(plain, server_hostname=NAME)
