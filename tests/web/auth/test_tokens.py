"""What a token must be, row by row (SEC-4 to SEC-13). Each refusal is 401 without a reason."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .conftest import Door
from .parties import (
    CITY,
    DISCOVERY,
    LAKE,
    NOW,
    PUBLIC,
    STRANGER,
    VIEW,
    Party,
    client_of,
    encoded,
    signed,
)

SECOND = int(NOW.timestamp())
PEM = CITY.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# --- tokens as they should be -------------------------------------------------------------------


def test_sec_8_both_recommended_algorithms_are_let_in(door: Door):
    assert door.admits(CITY.token()).name == "city"
    assert door.admits(LAKE.token()).name == "lake"


def test_sec_5_the_sandbox_shape_is_let_in(door: Door):
    token = CITY.token(
        {"jku": "https://sandbox.example/.well-known/jwks.json"}, jti="7d4b6a1e-9d0a-4c39-a8f5-0c2a1b8c9d0e"
    )
    assert door.admits(token).name == "city"


def test_sec_5_infernos_shape_is_let_in(door: Door):
    token = CITY.token({"jku": "https://inferno.example/jwks.json"}, jti=secrets.token_hex(32))
    assert door.admits(token).name == "city"


def test_sec_5_times_may_have_fractions_and_claims_we_do_not_know_are_passed_over(door: Door):
    door.admits(
        CITY.token(iat=SECOND + 0.25, exp=SECOND + 299.75, nbf=SECOND, sub="somebody", extra={"a": [1]})
    )


@pytest.mark.parametrize("audience", [VIEW, [VIEW], ["https://other.example", VIEW]])
def test_sec_6_one_match_in_the_audience_is_enough(door: Door, audience: Any):
    door.admits(CITY.token(aud=audience))


def test_sec_6_a_slash_at_the_end_of_the_address_called_changes_nothing(door: Door):
    door.admits(CITY.token(), VIEW + "/")


def test_the_typ_may_be_written_in_lower_case(door: Door):
    door.admits(CITY.token({"typ": "jwt"}))


@pytest.mark.parametrize(("ago", "left"), [(0, 300), (-59, 300), (3_600, -59), (0, 3_600)])
def test_sec_13_clocks_may_differ_by_less_than_a_minute(door: Door, ago: int, left: int):
    door.admits(CITY.token(iat=SECOND - ago, exp=min(SECOND + left, SECOND - ago + 3_600)))


# --- the header ---------------------------------------------------------------------------------


def test_sec_7_an_unsigned_token_is_refused(door: Door):
    for name in ("none", "None", "NONE", "nOnE"):
        token = signed(CITY.header(alg=name), CITY.claims(), lambda _: b"")
        assert "no signed JWT" in door.refuses(token)
        assert "alg" in door.refuses(token + "AAAA")


@pytest.mark.parametrize(("name", "digest"), [("HS256", hashlib.sha256), ("HS384", hashlib.sha384)])
def test_sec_7_the_public_key_as_a_shared_secret_is_refused(door: Door, name: str, digest: Any):
    token = signed(CITY.header(alg=name), CITY.claims(), lambda text: hmac.new(PEM, text, digest).digest())
    assert "symmetric" in door.refuses(token)


@pytest.mark.parametrize("member", ["alg", "kid", "typ"])
@pytest.mark.parametrize("value", [..., "", 7, None, ["ES384"], {}])
def test_sec_4_a_header_member_missing_or_of_the_wrong_type_is_refused(door: Door, member: str, value: Any):
    assert member in door.refuses(CITY.token({member: value}))


def test_sec_4_another_typ_is_refused(door: Door):
    assert "typ" in door.refuses(CITY.token({"typ": "at+jwt"}))


@pytest.mark.parametrize("kid", [..., "", "k" * 257])
def test_sec_4_a_kid_is_needed(door: Door, kid: Any):
    assert "kid is missing" in door.refuses(CITY.token({"kid": kid}))


def test_a_critical_extension_is_refused(door: Door):
    """Also one that the library knows, and would pass."""
    assert "crit asks for an extension" in door.refuses(CITY.token({"crit": ["b64"], "b64": True}))
    for header in ({"crit": ["exp"], "exp": 1}, {"crit": []}, {"crit": ["b64"], "b64": False}):
        assert "crit" in door.refuses(CITY.token(header))


def test_sec_8_an_algorithm_the_client_may_not_use_is_refused(open_door: Callable[..., Door]):
    other = Party("https://ehr.city.example", "p256", "ES256", "P-256")
    keys = {"jwks": {"keys": [CITY.jwk(), other.jwk()]}}
    assert "alg ES256 is not among" in open_door(client_of(CITY, "city", keys=keys)).refuses(other.token())
    both = client_of(CITY, "city", keys=keys, algorithms=["ES256", "ES384"])
    open_door(both).admits(other.token())


def test_sec_8_the_algorithm_must_go_with_the_key(open_door: Callable[..., Door]):
    """A key that names its alg is used with no other, and no key with one of another kind or curve."""
    every = ["ES256", "ES384", "RS256", "RS384", "PS384"]
    door = open_door(client_of(CITY, "city", algorithms=every), client_of(LAKE, "lake", algorithms=every))
    for header in ({"alg": "RS384"}, {"alg": "ES256"}):
        assert "does not go with" in door.refuses(CITY.token(header))
    other = Party(LAKE.issuer, LAKE.kid, "RS256", "2048")
    assert "does not go with" in door.refuses(other.token())


def test_sec_8_a_key_without_alg_serves_every_algorithm_of_its_kind(open_door: Callable[..., Door]):
    keys = {"jwks": {"keys": [LAKE.jwk(alg=...)]}}
    door = open_door(client_of(LAKE, "lake", keys=keys, algorithms=["RS384", "PS384"]))
    for name in ("RS384", "PS384"):
        door.admits(Party(LAKE.issuer, LAKE.kid, name, "2048").token())
    assert "not among" in door.refuses(Party(LAKE.issuer, LAKE.kid, "RS256", "2048").token())


def test_sec_4_an_unknown_kid_is_refused(door: Door):
    assert "kid is that of no key" in door.refuses(CITY.token({"kid": "city-2"}))


def test_sec_10_keys_that_a_header_brings_along_are_not_looked_at(door: Door):
    forger = Party(CITY.issuer, CITY.kid, kind="P-384")
    forged = Party("https://forger.example", CITY.kid)
    for members in ({"jwk": forged.jwk()}, {"x5c": ["AAAA"]}, {"x5u": "https://forger.example"}):
        token = forged.sign(CITY.header(**members), CITY.claims())
        assert "signature" in door.refuses(token)
        door.admits(forger.token(members))


# --- the claims ---------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti"])
def test_sec_5_each_required_claim_is_required(door: Door, claim: str):
    assert claim in door.refuses(CITY.token(**{claim: ...}))


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "jti", "nbf", "tenant"])
@pytest.mark.parametrize("value", [None, True, {}, [[]], [1]])
def test_sec_5_a_claim_of_the_wrong_type_is_refused(door: Door, claim: str, value: Any):
    assert claim in door.refuses(CITY.token(**{claim: value}))


@pytest.mark.parametrize(
    "value", ["1772366400", "", float("inf"), float("nan"), -1, 1e300, 10**400, 253402300799]
)
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf"])
def test_sec_5_a_time_that_is_no_time_is_refused(door: Door, claim: str, value: Any):
    door.refuses(CITY.token(**{claim: value}))


@pytest.mark.parametrize("claims", [[], "text", 7, None])
def test_sec_5_claims_that_are_no_object_are_refused(door: Door, claims: Any):
    door.refuses(CITY.sign(CITY.header(), claims))


@pytest.mark.parametrize("jti", ["", "a\nb", "a\x00b", "\ud800", "x" * 256])
def test_sec_5_a_jti_that_is_empty_unprintable_or_endless_is_refused(door: Door, jti: str):
    door.refuses(CITY.token(jti=jti))


@pytest.mark.parametrize(
    "audience",
    [
        *(VIEW + "/", VIEW + "x", VIEW.upper(), PUBLIC, DISCOVERY, "", [], VIEW.replace("https", "http")),
        *(f"{VIEW}/feedback", f"{VIEW}?x=1", f"{DISCOVERY}/sample-order-select", [f"{VIEW} "]),
    ],
)
def test_sec_6_an_audience_other_than_the_address_called_is_refused(door: Door, audience: Any):
    assert "aud" in door.refuses(CITY.token(aud=audience))


def test_fb_11_a_further_audience_is_accepted_from_the_client_known_to_send_it(
    open_door: Callable[..., Door],
):
    feedback = f"{VIEW}/feedback"
    door = open_door(client_of(CITY, "city", audiences=[VIEW]), client_of(LAKE, "lake"))
    door.admits(CITY.token(aud=VIEW), feedback)
    door.admits(CITY.token(aud=feedback), feedback)
    assert "aud" in door.refuses(LAKE.token(aud=VIEW), feedback)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exp": SECOND - 60}, "exp passed 60 s ago"),
        ({"iat": SECOND - 3_600, "exp": SECOND - 61}, "exp passed 61 s ago"),
        ({"iat": SECOND + 61, "exp": SECOND + 300}, "iat is 61 s in the future"),
        ({"nbf": SECOND + 61}, "nbf is 61 s in the future"),
        ({"exp": SECOND + 3_601}, "max_lifetime"),
        ({"iat": 0}, "max_lifetime"),
        ({"iat": SECOND, "exp": SECOND}, "not after iat"),
        ({"iat": SECOND + 30, "exp": SECOND + 10}, "not after iat"),
    ],
)
def test_sec_13_times_that_do_not_fit_are_refused(door: Door, changes: dict[str, Any], said: str):
    assert said in door.refuses(CITY.token(**changes))


def test_sec_13_the_longest_lifetime_is_a_setting(open_door: Callable[..., Door]):
    door = open_door(client_of(CITY, "city", max_lifetime=300))
    door.admits(CITY.token())
    assert "300 s of max_lifetime" in door.refuses(CITY.token(exp=SECOND + 301))


def test_sec_13_a_token_is_good_until_it_expires(open_door: Callable[..., Door]):
    for seconds in (0, 359):
        open_door(now=NOW + timedelta(seconds=seconds)).admits(CITY.token())
    open_door(now=NOW + timedelta(seconds=360)).refuses(CITY.token())


# --- who it is ----------------------------------------------------------------------------------


def test_sec_10_an_issuer_on_no_list_is_refused_and_not_repeated(door: Door):
    line = door.refuses(STRANGER.token())
    assert "iss is on no list" in line
    assert "stranger" not in line


def test_sec_10_an_issuer_that_is_almost_one_on_the_list_is_refused_with_a_hint(door: Door):
    token = CITY.token(iss=CITY.issuer + "/")
    assert "differs from that of city only in case or a slash" in door.refuses(token)


def test_sec_11_another_clients_key_is_refused(door: Door):
    """Right claims in the name of the city, signed with a key that the service trusts: the lake's."""
    for kid in (LAKE.kid, CITY.kid):
        for name in ("RS384", "ES384"):
            door.refuses(LAKE.sign(LAKE.header(alg=name, kid=kid), CITY.claims()))


def test_sec_11_the_same_kid_of_two_clients_means_two_keys(open_door: Callable[..., Door]):
    north, south = Party("https://north.example", "key"), Party("https://south.example", "key")
    door = open_door(client_of(north, "north"), client_of(south, "south"))
    assert door.admits(north.token()).name == "north"
    assert door.admits(south.token()).name == "south"
    assert "signature" in door.refuses(north.sign(north.header(), south.claims()))


def test_sec_11_a_tenant_must_be_on_the_clients_list_if_it_has_one(open_door: Callable[..., Door]):
    door = open_door(client_of(CITY, "city", tenants=["east", "west"]), client_of(LAKE, "lake"))
    assert door.admits(CITY.token(tenant="west")).tenant == "west"
    assert door.admits(LAKE.token(tenant="anything")).tenant == "anything"
    for changes in ({}, {"tenant": "north"}, {"tenant": ""}):
        assert "tenant is not among" in door.refuses(CITY.token(**changes))


def test_the_caller_has_its_fhir_servers(open_door: Callable[..., Door]):
    fhir = {
        "bases": ["https://fhir.city.example/r4/"],
        "networks": ["10.1.0.0/16"],
        "absent": ["MedicationDispense"],
        "subject": "cds",
    }
    door = open_door(client_of(CITY, "city", fhir=fhir), client_of(LAKE, "lake"))
    policy = door.admits(CITY.token()).fhir
    assert policy.bases == ("https://fhir.city.example/r4",)
    assert [str(network) for network in policy.networks] == ["10.1.0.0/16"]
    assert (policy.absent, policy.subject) == (frozenset({"MedicationDispense"}), "cds")
    assert not policy.without_token
    assert door.admits(LAKE.token()).fhir.bases == ()


# --- the signature, and what is no token at all -------------------------------------------------


def test_a_signature_of_other_content_is_refused(door: Door):
    head, _, signature = CITY.token().split(".")
    _, body, _ = CITY.token(jti="other").split(".")
    assert "signature" in door.refuses(f"{head}.{body}.{signature}")


@pytest.mark.parametrize(
    "token",
    [
        *("x", "a.b", "a.b.c", "a.b.c.d", "..", "a..c", "not.a.jwt", "%00.%00.%00", "é.é.é"),
        *("a.b.c,Bearer a.b.c", "a b c", "a.b.c ", " a.b.c", "a.b.c\tx", "a=.b=.c="),
    ],
)
def test_a_text_that_is_no_token_is_refused(door: Door, token: str):
    door.refuses(token)


def test_a_valid_token_with_space_or_padding_is_refused(door: Door):
    token = CITY.token()
    for spoiled in (
        f"\t{token}",
        f"{token} ",
        token.replace(".", " .", 1),
        f"{token}=",
        f"{token}\t",
        f"{token}.",
    ):
        door.refuses(spoiled)
    door.admits(token)


def test_a_very_long_token_is_refused_before_it_is_read(door: Door):
    assert "longer than" in door.refuses(CITY.token(extra="x" * 8_192))
    door.admits(CITY.token(extra="x" * 4_000))


def test_nested_claims_without_end_are_refused(door: Door):
    head = encoded(b'{"alg":"ES384","kid":"city-1","typ":"JWT"}')
    door.refuses(f"{head}.{encoded(b'[' * 5_000)}.AAAA")
    door.refuses(f"{encoded(b'[' * 5_000)}.AAAA.AAAA")


# --- members that stand twice -------------------------------------------------------------------


def by_hand(header: str, claims: str) -> str:
    """A token of these very texts, signed with the client's own key."""
    text = f"{encoded(header.encode())}.{encoded(claims.encode())}"
    return f"{text}.{encoded(jwt.get_algorithm_by_name(CITY.alg).sign(text.encode(), CITY.key))}"


@pytest.mark.parametrize(
    ("part", "more"),
    [
        ("header", '"kid": "another"'),
        ("header", '"k\\u0069d": "another"'),
        ("header", '"x": {"a": 1, "a": 1}'),
        ("claims", '"jti": "another"'),
        ("claims", '"aud": "https://other.example"'),
        ("claims", '"j\\u0074i": "another"'),
        ("claims", '"x": [{"a": 1, "a": 1}]'),
    ],
)
def test_a_member_that_stands_twice_is_refused_for_readers_disagree_on_which_counts(
    door: Door, part: str, more: str
):
    texts = {"header": json.dumps(CITY.header()), "claims": json.dumps(CITY.claims())}
    first = texts | {part: f"{{{more}, {texts[part][1:]}"}
    last = texts | {part: f"{texts[part][:-1]}, {more}}}"}
    for twice in (first, last):
        assert f"a member of the {part} stands there twice" in door.refuses(by_hand(**twice))
    door.admits(by_hand(**texts))
