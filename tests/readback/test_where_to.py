"""Which servers are contacted: bases that were agreed, addresses that are allowed, certificates that fit."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from scripted_server import HERE, Scripted, answer, bundle, call, ids, scripted

from cds_service.facts.server.access import (
    NO_SERVER,
    NO_TOKEN,
    NOT_AGREED,
    OTHERS_TOKEN,
    UNUSABLE_TOKEN,
    access_for,
    under_base,
    why_not,
)
from cds_service.facts.server.guard import Guard
from cds_service.facts.server.policy import FhirPolicy
from cds_service.facts.server.query import url_of
from cds_service.facts.server.reads import FhirReader
from cds_service.facts.server.source import Answer, Query

CONDITIONS = "Condition?patient=p1"
LOOPBACK = (ip_network("127.0.0.0/8"),)
BASE = "https://ehr.example.org/fhir"
AGREED = FhirPolicy(bases=(BASE,))


def read(server: str, policy: FhirPolicy, *addresses: str) -> tuple[Answer, list[tuple[str, int]]]:
    """The answer of a server whose name has these addresses, and the names that were looked up."""
    looked_up: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> tuple[str, ...]:
        looked_up.append((host, port))
        return addresses

    reader = FhirReader(20_000, resolve=resolve)
    try:
        answers = reader.begin(policy).read(call(server), {"c": Query(CONDITIONS)})
    finally:
        reader.close()
    return answers["c"], looked_up


# --- bases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "server", [BASE, f"{BASE}/", "HTTPS://EHR.example.org/fhir", "https://ehr.example.org:443/fhir"]
)
def test_a_base_that_was_agreed_may_be_read(server: str) -> None:
    assert access_for(call(server), AGREED) is not None


@pytest.mark.parametrize(
    "server",
    [
        "http://ehr.example.org/fhir",
        "https://ehr.example.org/fhir2",
        "https://ehr.example.org/fhir/other",
        "https://ehr.example.org/FHIR",
        "https://ehr.example.org:8443/fhir",
        "https://ehr.example.org.evil.test/fhir",
        "https://ehr.example.org@evil.test/fhir",
        "https://user:word@ehr.example.org/fhir",
        "https://ehr.example.org/fhir?x=1",
        "https://ehr.example.org/fhir#x",
        "https://ehr.example.org:99999/fhir",
        "https://[::1/fhir",
        "ftp://ehr.example.org/fhir",
        "",
    ],
)
def test_any_other_base_is_neither_read_nor_looked_up(server: str) -> None:
    found, looked_up = read(server, AGREED, "127.0.0.1")
    assert (found.raw, found.ended, looked_up) == (None, "refused", [])


def test_a_token_given_to_somebody_else_is_not_used() -> None:
    policy = FhirPolicy(bases=(BASE,), subject="us", without_token=True)
    assert access_for(call(BASE, subject="us"), policy) is not None
    assert access_for(call(BASE, subject="them"), policy) is None
    assert access_for(call(BASE, subject=""), policy) is None
    assert access_for(call(BASE, access_token=""), policy) is not None


def test_without_a_token_nothing_is_read_unless_that_was_agreed() -> None:
    assert access_for(call(BASE, access_token=""), AGREED) is None
    assert access_for(call(BASE, access_token=""), FhirPolicy(bases=(BASE,), without_token=True)) is not None


def test_a_token_of_no_use_is_not_left_out_where_reads_without_one_were_agreed() -> None:
    """Without it the server may show less than with it, and nobody would know."""
    policy = FhirPolicy(bases=(BASE,), without_token=True)
    useless = call(BASE, access_token="", token_unusable=True)
    assert access_for(useless, policy) is None
    assert why_not(useless, policy) == UNUSABLE_TOKEN


@pytest.mark.parametrize(
    ("members", "policy", "reason"),
    [
        ({}, AGREED, ""),
        ({"fhir_server": ""}, AGREED, NO_SERVER),
        ({"fhir_server": "https://evil.test/fhir"}, AGREED, NOT_AGREED),
        ({"fhir_server": f"{BASE}?x=1"}, FhirPolicy(any_base=True), NOT_AGREED),
        ({"access_token": ""}, AGREED, NO_TOKEN),
        ({"access_token": "", "token_unusable": True}, AGREED, UNUSABLE_TOKEN),
        ({"subject": "them"}, FhirPolicy(bases=(BASE,), subject="us"), OTHERS_TOKEN),
    ],
)
def test_why_nothing_may_be_read_is_said_without_naming_a_host(
    members: dict[str, Any], policy: FhirPolicy, reason: str
) -> None:
    assert why_not(call(**{"server": BASE} | members), policy) == reason
    assert "example" not in reason


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("Condition?patient=p1", f"{BASE}/Condition?patient=p1"),
        (f"{BASE}?_getpages=1", f"{BASE}?_getpages=1"),
        (f"{BASE}/Condition?code=http://a/../b", f"{BASE}/Condition?code=http://a/../b"),
        ("../other", ""),
        ("x/../../other", ""),
        ("x/%2E%2e/other", ""),
        ("x%2f..%2fother", ""),
        ("x\\..\\other", ""),
        ("/fhir2/Condition", ""),
        ("//evil.test/fhir/Condition", ""),
        ("https://ehr.example.org:444/fhir/Condition", ""),
        ("http://ehr.example.org/fhir/Condition", ""),
        ("https://ehr.example.org\\@evil.test/fhir/Condition", ""),
        ("Condition#x", ""),
        ("Condition?x=\r\nHost: evil.test", ""),
    ],
)
def test_only_a_url_under_the_base_is_one_to_read(url: str, made: str) -> None:
    assert under_base(BASE, url) == made


# --- ids -----------------------------------------------------------------------------------------

SEARCH = "Observation?patient={{context.patientId}}&code=http://loinc.org|8480-6,a b&c"


def test_ids_and_codes_are_encoded() -> None:
    request = call(BASE, patient_id="A.b-9", encounter_id="e1")
    assert url_of("Patient/{{context.patientId}}", request) == "Patient/A.b-9"
    assert url_of("Encounter/{{ context.encounterId }}", request) == "Encounter/e1"
    assert url_of(SEARCH.removesuffix("&c"), request) == (
        "Observation?patient=A.b-9&code=http://loinc.org%7C8480-6,a%20b"
    )


@pytest.mark.parametrize("number", ["", "..", ".", "../x", "a/b", "a?b", "a#b", "a%2fb", "a b", "x" * 65])
def test_an_id_that_is_none_leads_to_no_query(number: str) -> None:
    assert url_of("Encounter/{{context.encounterId}}", call(BASE, encounter_id=number)) == ""


def test_a_token_we_cannot_fill_leads_to_no_query() -> None:
    assert url_of("Practitioner/{{userPractitionerId}}", call(BASE)) == ""


# --- addresses -----------------------------------------------------------------------------------

PRIVATE = [
    *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "nonsense"),
    *("::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:a00:1::", "::ffff:169.254.169.254"),
    *("fec0::1", "64:ff9b:1::7f00:1", "::127.0.0.1", "::ffff:0:127.0.0.1", "5f00::1", "100::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_before_anybody_connects(address: str) -> None:
    """The test would fail on a connection: they leave for this machine only."""
    found, looked_up = read(BASE, AGREED, address)
    assert (found.raw, found.ended, looked_up) == (None, "refused", [("ehr.example.org", 443)])


def test_a_public_address_is_allowed_unless_only_listed_networks_are() -> None:
    listed = (ip_network("10.1.0.0/16"), ip_network("fd00::/64"))
    assert Guard().allows("93.184.215.14")
    assert Guard().allows("2606:2800:21f:cb07:6820:80da:af6b:8b2c")
    assert Guard(listed).allows("10.1.2.3")
    assert Guard(listed).allows("::ffff:10.1.2.3")
    assert Guard(listed).allows("fd00::7")
    assert not Guard(listed).allows("10.2.0.1")
    assert not Guard(listed, inside_only=True).allows("93.184.215.14")


@pytest.mark.parametrize(
    ("server", "policy"),
    [
        ("http://ehr.example.org/fhir", FhirPolicy(bases=("http://ehr.example.org/fhir",))),
        ("http://ehr.example.org/fhir", HERE),
        (BASE, HERE),
    ],
)
def test_plain_http_and_a_base_nobody_listed_are_for_listed_networks_only(
    server: str, policy: FhirPolicy
) -> None:
    found, looked_up = read(server, policy, "93.184.215.14")
    assert (found.ended, len(looked_up)) == ("refused", 1)


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_the_one_used() -> None:
    """A second look-up, which might be answered otherwise, is not made; a private address is passed over."""
    with scripted() as server:
        server.on(CONDITIONS, answer(bundle("c1")))
        port = server.base.rpartition(":")[2].removesuffix("/fhir")
        base = f"http://ehr.test:{port}/fhir"
        policy = FhirPolicy(bases=(base,), networks=LOOPBACK)
        found, looked_up = read(base, policy, "10.0.0.1", "127.0.0.1")
    assert ids(found.raw) == ["c1"]
    assert looked_up == [("ehr.test", int(port))]
    assert server.asked[0].headers["Host"] == f"ehr.test:{port}"


# --- certificates --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of the name ehr.test, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ehr.test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("ehr.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "ehr.pem"
    encoding = serialization.Encoding.PEM
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(encoding))
    return path


@pytest.fixture
def tls(certificate: Path) -> Iterator[Scripted]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def wrap(server: ThreadingHTTPServer) -> None:
        server.socket = context.wrap_socket(server.socket, server_side=True)

    with scripted(wrap) as server:
        server.on(CONDITIONS, answer(bundle("c1")))
        yield server


def tls_base(server: Scripted, name: str) -> str:
    return server.base.replace("http://127.0.0.1", f"https://{name}")


def test_the_certificate_is_that_of_the_name_though_the_address_is_connected_to(
    tls: Scripted, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    for name, ended in (("ehr.test", ""), ("other.test", "failed")):
        base = tls_base(tls, name)
        found, _ = read(base, FhirPolicy(bases=(base,), networks=LOOPBACK), "127.0.0.1")
        assert found.ended == ended, name


def test_a_certificate_nobody_trusts_is_refused(tls: Scripted) -> None:
    base = tls_base(tls, "ehr.test")
    found, _ = read(base, FhirPolicy(bases=(base,), networks=LOOPBACK), "127.0.0.1")
    assert (found.raw, found.ended, tls.asked) == (None, "failed", [])
