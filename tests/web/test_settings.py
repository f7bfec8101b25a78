"""The environment: every value is checked, and the message says what was seen, expected and what to try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cds_service.errors import UsageError
from cds_service.settings import MAX_BODY, NAMES, Settings, is_loopback

BERLIN = "Europe/Berlin"


def refused(**env: str) -> str:
    with pytest.raises(UsageError) as caught:
        Settings.from_environment(env)
    return str(caught.value)


def test_an_empty_environment_gives_safe_defaults():
    settings = Settings.from_environment({"PATH": "/bin"})
    assert settings == Settings()
    assert settings.loopback
    assert settings.today is None
    assert settings.max_body == MAX_BODY == 10_000_000
    assert settings.timezone is UTC


def test_every_value_is_read():
    settings = Settings.from_environment(
        {
            "CDS_HOST": "::1",
            "CDS_PORT": "8443",
            "CDS_WORKERS": "4",
            "CDS_RULES": "/srv/rules",
            "CDS_ENGINE": "direct",
            "CDS_TIMEZONE": BERLIN,
            "CDS_REQUIRE_APPROVAL": "yes",
            "CDS_MAX_BODY": "2 MB",
        }
    )
    assert (settings.host, settings.port, settings.workers) == ("::1", 8443, 4)
    assert settings.rules == Path("/srv/rules")
    assert settings.engine == "direct"
    assert settings.timezone == ZoneInfo(BERLIN)
    assert settings.require_approval
    assert settings.max_body == 2_000_000


def test_an_empty_value_counts_as_unset():
    assert Settings.from_environment({"CDS_PORT": "", "CDS_TODAY": "  "}) == Settings()


def test_the_settings_of_the_road_are_read():
    settings = Settings.from_environment(
        {
            "CDS_CLIENTS": "clients.yaml",
            "CDS_DATABASE_URL": "sqlite://",
            "CDS_DECISION_LOG": "-",
            "CDS_PUBLIC_URL": "https://cds.example.org/hooks/",
            "CDS_DEADLINE_MS": "750",
            "CDS_CORS_ORIGINS": "https://ehr.example.org, http://localhost:8080",
            "CDS_TRUSTED_PROXIES": "10.0.0.5 fd00::/8",
        }
    )
    assert (settings.clients, settings.database_url, settings.decision_log) == (
        "clients.yaml",
        "sqlite://",
        "-",
    )
    assert settings.public_url == "https://cds.example.org/hooks"
    assert settings.deadline_ms == 750
    assert settings.cors_origins == ("https://ehr.example.org", "http://localhost:8080")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.5/32", "fd00::/8"]


def test_every_name_may_be_empty():
    assert Settings.from_environment(dict.fromkeys(NAMES, "")) == Settings()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("CDS_PUBLIC_URL", "cds.example.org", "base URL"),
        ("CDS_PUBLIC_URL", "https://cds.example.org/?x=1", "base URL"),
        ("CDS_DEADLINE_MS", "5", "from 50 to 60000"),
        ("CDS_CORS_ORIGINS", "*", "web origins"),
        ("CDS_CORS_ORIGINS", "https://ehr.example.org/path", "web origins"),
        ("CDS_TRUSTED_PROXIES", "10.0.0.300", "addresses or networks"),
    ],
)
def test_a_setting_of_the_road_that_is_wrong_is_refused(name: str, value: str, expected: str):
    message = refused(**{name: value})
    assert name in message
    assert expected in message


def test_an_unknown_name_is_refused_with_the_nearest():
    assert "did you mean CDS_WORKERS?" in refused(CDS_WORKER="2")


def test_an_unknown_name_far_from_all_is_refused_with_the_known_ones():
    assert "CDS_HOST, CDS_PORT" in refused(CDS_QQQQQQQQQQQ="1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CDS_PORT", "0"),
        ("CDS_PORT", "65536"),
        ("CDS_PORT", "http"),
        ("CDS_PORT", "٥"),
        ("CDS_WORKERS", "0"),
        ("CDS_WORKERS", "-1"),
        ("CDS_WORKERS", "257"),
        ("CDS_ENGINE", "durabel"),
        ("CDS_TODAY", "yesterday"),
        ("CDS_TODAY", "2026-02-30"),
        ("CDS_TIMEZONE", "Europe/Berln"),
        ("CDS_TIMEZONE", "../etc/passwd"),
        ("CDS_REQUIRE_APPROVAL", "maybe"),
        ("CDS_MAX_BODY", "0"),
        ("CDS_MAX_BODY", "10 GB"),
        ("CDS_MAX_BODY", "-5"),
    ],
)
def test_a_wrong_value_is_refused_with_name_value_and_a_way_out(name: str, value: str):
    message = refused(**{name: value})
    assert message.startswith(f"{name}: seen {value!r}, expected ")
    assert "try " in message or "did you mean" in message


def test_a_misspelt_time_zone_gets_the_nearest():
    assert BERLIN in refused(CDS_TIMEZONE="Europe/Berln")


def test_a_date_freezes_time_at_noon_in_the_services_zone():
    settings = Settings.from_environment({"CDS_TODAY": "2026-07-01", "CDS_TIMEZONE": BERLIN})
    assert settings.today == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_an_instant_freezes_time_there():
    settings = Settings.from_environment({"CDS_TODAY": "2026-07-01T09:30:00+02:00"})
    assert settings.today == datetime(2026, 7, 1, 7, 30, tzinfo=UTC)
    assert settings.today.utcoffset() == timedelta(hours=2)


def test_an_instant_without_offset_is_refused():
    assert "offset" in refused(CDS_TODAY="2026-07-01T09:30:00")


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::", "example.org"])
def test_a_reachable_host_without_clients_is_refused(host: str):
    assert "CDS_CLIENTS" in refused(CDS_HOST=host)


def test_a_reachable_host_with_clients_is_accepted():
    assert not Settings.from_environment({"CDS_HOST": "0.0.0.0", "CDS_CLIENTS": "clients.yaml"}).loopback


def test_frozen_time_on_a_reachable_host_is_refused_even_with_clients():
    message = refused(CDS_HOST="0.0.0.0", CDS_CLIENTS="clients.yaml", CDS_TODAY="2026-07-01")
    assert "CDS_TODAY" in message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_loopback_addresses_are_recognised(host: str):
    assert is_loopback(host)
