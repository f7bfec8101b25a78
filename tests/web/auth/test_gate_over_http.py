"""The gate in the application: what a caller sees (SEC-3, SEC-6, SEC-12, SEC-14, D-16, CORS-1)."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from ..answers import VIEW as VIEW_PATH
from ..answers import assert_cards, assert_outcome, view_call
from .conftest import Door
from .key_server import serving
from .parties import (
    CITY,
    DISCOVERY,
    LAKE,
    NOW,
    PUBLIC,
    STRANGER,
    client_of,
    clients_file,
    encoded,
    signed,
)

FEEDBACK_PATH = f"{VIEW_PATH}/feedback"
SELECT_PATH = "/cds-services/sample-order-select"


@pytest.fixture
def client(settings: Settings, sample_book: Rulebook) -> FlaskClient:
    return create_app(settings, [sample_book], clock=lambda: NOW).test_client()


def call(client: FlaskClient, token: str | None, path: str = VIEW_PATH, **headers: str) -> TestResponse:
    sent = {"Authorization": f"Bearer {token}"} if token is not None else {}
    return client.post(path, json=view_call(), headers=sent | headers)


def assert_refused(response: TestResponse) -> None:
    issue = assert_outcome(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert issue == {
        "severity": "error",
        "code": "login",
        "details": {"text": "This call needs a valid token of a known client."},
    }


def test_a_call_with_a_valid_token_gets_its_cards(client: FlaskClient):
    assert assert_cards(call(client, CITY.token()))["cards"]


def test_sec_3_a_call_without_a_token_is_401(client: FlaskClient):
    for path in (VIEW_PATH, SELECT_PATH, "/cds-services/none"):
        assert_refused(call(client, None, path))


def test_sec_14_every_refusal_looks_the_same(client: FlaskClient):
    """Which check failed, whether the issuer or the service exists: the caller learns none of it."""
    unsigned = signed(CITY.header(alg="none"), CITY.claims(), lambda _: b"x")
    used = CITY.token()
    call(client, used)
    for token in (
        *(
            "not.a.jwt",
            "",
            unsigned,
            used,
            STRANGER.token(),
            CITY.token(exp=1),
            CITY.token(aud="https://x.example"),
        ),
        *(CITY.token(jti=...), LAKE.sign(LAKE.header(), CITY.claims()), "x" * 9_000),
    ):
        assert_refused(call(client, token))
    assert_refused(call(client, CITY.token(aud=f"{PUBLIC}/cds-services/none"), "/cds-services/nine"))


def test_an_unknown_service_is_404_only_for_who_was_let_in(client: FlaskClient):
    assert_outcome(call(client, CITY.token(aud=f"{DISCOVERY}/none"), "/cds-services/none"), 404)


@pytest.mark.parametrize(
    "header",
    [
        *(
            "Basic Y2RzOmNkcw==",
            "Bearer",
            "Bearer ",
            "bearer",
            "Token {}",
            "{}",
            "Bearer Bearer {}",
            "DPoP {}",
        ),
        *("Bearer {} {}", "Bearer {},{}", "Bearer {}, Bearer {}", "Bearer\t{}", "Bearer \t{}"),
    ],
)
def test_sec_3_another_scheme_or_two_credentials_are_401(client: FlaskClient, header: str):
    authorization = header.replace("{}", CITY.token())
    response = client.post(VIEW_PATH, json=view_call(), headers={"Authorization": authorization})
    assert_refused(response)


def test_the_scheme_may_be_written_in_any_case(client: FlaskClient):
    sent = {"Authorization": f"bEARER {CITY.token()}"}
    assert client.post(VIEW_PATH, json=view_call(), headers=sent).status_code == 200


def test_more_than_one_space_may_stand_before_the_token(client: FlaskClient):
    sent = {"Authorization": f"Bearer  {CITY.token()}"}
    assert client.post(VIEW_PATH, json=view_call(), headers=sent).status_code == 200


def test_sec_3_a_token_anywhere_else_is_no_token(client: FlaskClient):
    token = CITY.token()
    assert_refused(client.post(f"{VIEW_PATH}?access_token={token}", json=view_call()))
    assert_refused(client.post(VIEW_PATH, json=view_call() | {"access_token": token}))
    client.set_cookie("Authorization", f"Bearer {token}")
    assert_refused(client.post(VIEW_PATH, json=view_call()))


def test_the_token_is_asked_for_before_the_body_is_read(client: FlaskClient):
    class Untouched:
        def read(self, *_: int) -> bytes:
            raise AssertionError("the body was read")

    environ = {"wsgi.input": Untouched(), "CONTENT_LENGTH": "20", "CONTENT_TYPE": "text/xml"}
    assert_refused(client.post(VIEW_PATH, environ_overrides=environ))


def test_health_needs_no_token(client: FlaskClient):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


# --- discovery (D-16) and preflight (CORS-1) ----------------------------------------------------


def asked(client: FlaskClient, token: str | None) -> TestResponse:
    return client.get(
        "/cds-services", headers={"Authorization": f"Bearer {token}"} if token is not None else {}
    )


def test_d_16_discovery_is_open_and_takes_a_token_that_is_sent_seriously(client: FlaskClient):
    assert asked(client, None).status_code == 200
    assert asked(client, CITY.token(aud=DISCOVERY)).status_code == 200
    for token in (CITY.token(), STRANGER.token(aud=DISCOVERY), "", "x.y.z"):
        assert_refused(asked(client, token))


def test_d_16_open_discovery_uses_no_token_up(client: FlaskClient, settings: Settings):
    token = CITY.token(aud=DISCOVERY)
    for _ in range(3):
        assert asked(client, token).status_code == 200
    assert not Path(settings.database_url.removeprefix("sqlite:///")).exists()


def test_d_16_discovery_can_be_closed(settings: Settings, sample_book: Rulebook, tmp_path: Path):
    clients_file(tmp_path, [client_of(CITY, "city")], discovery="token")
    client = create_app(settings, [sample_book], clock=lambda: NOW).test_client()
    token = CITY.token(aud=DISCOVERY)
    assert_refused(asked(client, None))
    assert_refused(asked(client, CITY.token()))
    assert asked(client, token).status_code == 200
    assert_refused(asked(client, token))


def test_cors_1_a_preflight_needs_no_token_and_uses_none_up(client: FlaskClient):
    token = CITY.token()
    preflight = {
        "Origin": "https://ehr.city.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    for path in ("/cds-services", VIEW_PATH):
        for sent in (preflight, preflight | {"Authorization": f"Bearer {token}"}):
            assert client.options(path, headers=sent).status_code in (200, 204)
    assert call(client, token).status_code == 200


# --- replay (SEC-12) ----------------------------------------------------------------------------


def test_sec_12_a_token_is_good_for_one_call(client: FlaskClient, caplog: pytest.LogCaptureFixture):
    token = CITY.token(jti="call-1")
    assert call(client, token).status_code == 200
    assert_refused(call(client, token))
    assert "the token was used before (client=city jti=call-1)" in caplog.text


def test_sec_12_a_used_jti_is_refused_in_another_token(client: FlaskClient):
    assert call(client, CITY.token(jti="same")).status_code == 200
    assert_refused(call(client, CITY.token(jti="same", exp=CITY.claims()["exp"] - 1)))


def test_sec_12_the_same_jti_of_two_issuers_is_two_tokens(client: FlaskClient):
    for party in (CITY, LAKE):
        assert call(client, party.token(jti="same")).status_code == 200


def test_sec_12_only_a_verified_token_is_used_up(client: FlaskClient):
    """Whoever guesses a jti cannot spoil the call it belongs to."""
    good = CITY.token(jti="guessed")
    head, body, signature = good.split(".")
    for spoiled in (
        f"{head}.{body}.{signature[:-8]}AAAAAAAA",
        LAKE.sign(LAKE.header(), CITY.claims(jti="guessed")),
        CITY.token(jti="guessed", aud="https://other.example"),
        CITY.token(jti="guessed", exp=1),
    ):
        assert_refused(call(client, spoiled))
    assert call(client, good).status_code == 200


def test_sec_12_a_call_that_is_refused_for_its_body_used_its_token_up(client: FlaskClient):
    token = CITY.token()
    refused = client.post(VIEW_PATH, data=b"{", headers={"Authorization": f"Bearer {token}"})
    assert_outcome(refused, 400)
    assert_refused(call(client, token))


def test_sec_12_a_second_process_on_the_same_database_knows_the_token(
    settings: Settings, sample_book: Rulebook
):
    first, second = (create_app(settings, [sample_book], clock=lambda: NOW).test_client() for _ in range(2))
    token = CITY.token()
    assert call(first, token).status_code == 200
    assert_refused(call(second, token))


def test_without_a_memory_of_tokens_nobody_is_let_in(
    settings: Settings, sample_book: Rulebook, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    """Neither open nor 401: the caller is not at fault, and may try again."""
    spoiled = tmp_path / "spoiled.sqlite3"
    spoiled.write_bytes(b"this is no database" * 100)
    broken = replace(settings, database_url=f"sqlite:///{spoiled}")
    client = create_app(broken, [sample_book], clock=lambda: NOW).test_client()
    for _ in range(2):
        assert_outcome(call(client, CITY.token()), 503)
    assert "503: without a database tokens cannot be remembered (client=city" in caplog.text
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "every call is refused" in ready.json["reasons"][0]
    assert_refused(call(client, "not.a.jwt"))
    assert asked(client, None).status_code == 200


# --- keys that cannot be fetched (SEC-10) -------------------------------------------------------


def test_sec_10_a_call_nobody_could_check_is_503_without_a_reason_and_uses_no_token_up(
    settings: Settings, sample_book: Rulebook, tmp_path: Path
):
    """A 401 would have the client mend a token that is right."""
    with serving() as keys:
        fetched = {"jku": keys.jku, "networks": ["127.0.0.0/8", "::1/128"]}
        clients_file(tmp_path, [client_of(CITY, "city", keys=fetched)])
        client, again = (create_app(settings, [sample_book], clock=lambda: NOW).test_client() for _ in "12")
        keys.status = 500
        token = CITY.token()
        for response in (call(client, token), asked(client, CITY.token(aud=DISCOVERY))):
            assert assert_outcome(response, 503) == {
                "severity": "error",
                "code": "transient",
                "details": {
                    "text": "The call cannot be let in now; try again in 5 seconds, with a new token."
                },
            }
            assert response.headers["Retry-After"] == "5"
        for wrong in (CITY.token(exp=1), CITY.token(aud="https://x.example"), STRANGER.token(), "x.y.z"):
            assert_refused(call(client, wrong))
        keys.publish(CITY.jwk())
        assert call(again, token).status_code == 200


# --- feedback (FB-11) ---------------------------------------------------------------------------


def test_fb_11_feedback_needs_a_token_for_its_own_address(client: FlaskClient):
    entry = {"card": str(uuid.uuid4()), "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
    body = {"feedback": [entry]}

    def sent(token: str | None) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.post(FEEDBACK_PATH, json=body, headers=headers)

    token = CITY.token(aud=f"{PUBLIC}{FEEDBACK_PATH}")
    assert_refused(sent(None))
    assert_refused(sent(CITY.token()))
    assert sent(token).status_code == 200
    assert_refused(sent(token))


# --- which address was called (SEC-6) -----------------------------------------------------------


def test_sec_6_the_public_address_counts_whatever_host_is_named(client: FlaskClient):
    assert call(client, CITY.token(), Host="other.example").status_code == 200
    assert_refused(call(client, CITY.token(aud=f"https://other.example{VIEW_PATH}"), Host="other.example"))


def test_sec_6_a_base_path_is_part_of_the_address(settings: Settings, sample_book: Rulebook):
    below = replace(settings, public_url=f"{PUBLIC}/cds/v1")
    client = create_app(below, [sample_book], clock=lambda: NOW).test_client()
    assert_refused(call(client, CITY.token()))
    assert call(client, CITY.token(aud=f"{PUBLIC}/cds/v1{VIEW_PATH}")).status_code == 200


def test_sec_6_without_a_public_address_only_this_machine_can_be_called(
    settings: Settings, sample_book: Rulebook, caplog: pytest.LogCaptureFixture
):
    """Otherwise a service that got a token of its own could pass it on to us under its own Host."""
    client = create_app(replace(settings, public_url=""), [sample_book], clock=lambda: NOW).test_client()
    here = CITY.token(aud=f"http://localhost{VIEW_PATH}")
    assert call(client, here).status_code == 200
    passed_on = CITY.token(aud=f"http://other.example{VIEW_PATH}")
    assert_refused(call(client, passed_on, Host="other.example"))
    assert "CDS_PUBLIC_URL is not set" in caplog.text


# --- nothing of a token is kept (SEC-14) --------------------------------------------------------


def pieces(token: str) -> Iterator[str]:
    for part in token.split("."):
        yield from (part[at : at + 16] for at in range(0, len(part) - 16, 16))


def test_sec_14_no_piece_of_a_token_stands_in_a_log_an_answer_or_the_database(
    client: FlaskClient, settings: Settings, caplog: pytest.LogCaptureFixture
):
    good = CITY.token(jti="zq7jtimark zq7", tenant="zq7tenantmark", sub="zq7submark")
    tokens = [
        *(
            good,
            good,
            CITY.token(exp=1, jti="zq7mark\nforged line"),
            STRANGER.token(iss="zq7issmark\nforged line"),
        ),
        *(CITY.token({"kid": "zq7kidmark"}), CITY.token({"alg": "zq7algmark"}), CITY.token(aud="zq7audmark")),
        *(CITY.token(tenant=["zq7mark"]), f"{encoded(b'zq7')}.{encoded(b'zq7mark')}.{encoded(b'zq7mark')}"),
    ]
    answers = "".join(call(client, token).text for token in tokens)
    path = settings.database_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as database:
        kept = "\n".join(database.iterdump())
    for told in (caplog.text, answers, kept):
        assert "zq7" not in told
        for token in tokens:
            assert not any(piece in told for piece in pieces(token))
    assert "forged line" not in caplog.text
    assert all("\n" not in message for message in caplog.messages)


@pytest.mark.parametrize(
    "spoiled",
    [
        *({"alg": "none"}, {"alg": "HS256"}, {"kid": ...}, {"kid": "unknown"}, {"typ": "x"}, {"crit": ["x"]}),
        *({"iss": "https://nobody.example"}, {"aud": "https://other.example"}, {"exp": 1}, {"iat": ...}),
        *({"tenant": ["x"]}, {"exp": "soon"}, {"iss": 7}),
    ],
    ids=str,
)
def test_the_log_names_the_jti_whatever_is_wrong_with_the_token(door: Door, spoiled: dict[str, object]):
    """A client asks why with the jti in hand; the issuer may be the very thing that is wrong."""
    headers = {name: spoiled[name] for name in ("alg", "kid", "typ", "crit") if name in spoiled}
    claims = {name: value for name, value in spoiled.items() if name not in headers}
    line = door.refuses(CITY.sign(CITY.header(**headers), CITY.claims(jti="call:a1_b2-c3", **claims)))
    assert "jti=call:a1_b2-c3)" in line


@pytest.mark.parametrize("jti", ["has a space", "x" * 65, "", "a\nb", 7, None, ["a"], "Zoë"])
def test_a_jti_that_is_no_plain_id_stays_out_of_the_log(door: Door, jti: object):
    for wrong in ({"iss": "https://nobody.example"}, {"exp": 1}):
        assert "jti=" not in door.refuses(CITY.sign(CITY.header(), CITY.claims(jti=jti, **wrong)))


def test_the_log_names_the_client_tenant_and_jti_of_a_listed_issuer(door: Door, open_door):
    told = open_door(client_of(CITY, "city", tenants=["east"]))
    line = told.refuses(CITY.token(tenant="east", jti="a1-b2", exp=1_000, iat=900))
    assert "(client=city tenant='east' jti=a1-b2)" in line
    assert "(client=city)" in told.refuses(CITY.token(tenant="north", jti="has a space"))
