"""/metrics: what was answered and decided, under names of ours only."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from cds_service.rulebook.book import Rulebook
from cds_service.web import service as service_module

from ..answers import SELECT, VIEW, changed, decision, select_call, view_call
from .conftest import Place

Make = Callable[..., Place]


def test_requests_are_counted_by_endpoint_service_and_status(place: Place):
    place.post(VIEW, view_call())
    place.post(VIEW, view_call())
    place.post(SELECT, select_call())
    place.post(VIEW, changed(view_call(), "hook", ...))
    place.client.get("/cds-services")
    found = place.metrics()
    for labels, number in {
        'endpoint="call",service="sample-patient-view",status="200"': 2,
        'endpoint="call",service="sample-order-select",status="200"': 1,
        'endpoint="call",service="sample-patient-view",status="400"': 1,
        'endpoint="discovery",service="",status="200"': 1,
    }.items():
        assert found[f"cds_requests_total{{{labels}}}"] == number
    assert found['cds_call_seconds_count{service="sample-patient-view"}'] == 3
    assert found['cds_call_seconds_sum{service="sample-patient-view"}'] > 0


def test_a_browsers_preflight_is_no_call(place: Place):
    place.client.options(VIEW)
    counted = [name for name in place.metrics() if name.startswith("cds_requests_total")]
    assert counted == ['cds_requests_total{endpoint="preflight",service="sample-patient-view",status="204"}']


def test_what_a_caller_named_is_other(place: Place):
    place.post("/cds-services/zq7", view_call())
    place.client.post("/cds-services/zq7/feedback", json={"feedback": []})
    place.client.get("/zq7")
    place.client.open(VIEW, method="ZQ7")
    found = place.metrics()
    for labels in (
        'endpoint="call",service="other",status="404"',
        'endpoint="feedback",service="other",status="404"',
        'endpoint="other",service="",status="404"',
        'endpoint="other",service="",status="405"',
    ):
        assert found[f"cds_requests_total{{{labels}}}"] == 1
    assert not any("zq7" in name.lower() for name in found)


def test_verdicts_and_cards_are_those_of_the_answer(place: Place):
    response, _ = place.post(VIEW, view_call())
    found = place.metrics()
    told = decision(response.get_json())
    for one in told["verdicts"]:
        labels = f'rule="{one["rule"]}",rulebook="sample",verdict="{one["verdict"]}"'
        assert found[f"cds_verdicts_total{{{labels}}}"] == 1
    assert sum(n for name, n in found.items() if name.startswith("cds_verdicts_total")) == len(
        told["verdicts"]
    )
    for card in response.get_json()["cards"]:
        for rule in card["extension"]["org.cds-service.rules"]:
            labels = f'indicator="{card["indicator"]}",rule="{rule["id"]}",rulebook="sample"'
            assert found[f"cds_cards_total{{{labels}}}"] == 1


def test_the_could_not_check_card_counts_for_no_rule_it_is_about(place: Place):
    call = view_call()
    call["prefetch"]["observations-vital-signs"] = {"resourceType": "OperationOutcome"}
    response, _ = place.post(VIEW, call)
    cards = {name: n for name, n in place.metrics().items() if name.startswith("cds_cards_total")}
    about = 'cds_cards_total{indicator="warning",rule="could-not-check",rulebook="sample"}'
    assert cards.get(about) == 1, response.get_json()["cards"]
    assert sum(cards.values()) == len(response.get_json()["cards"])


def test_missing_keys_are_counted_with_their_reason_whether_answered_or_refused(place: Place):
    call = view_call()
    call["prefetch"]["observations-vital-signs"] = {"resourceType": "OperationOutcome"}
    place.post(VIEW, call)
    place.post(VIEW, changed(view_call(), "prefetch", {}))
    found = place.metrics()
    assert found['cds_missing_keys_total{key="observations-vital-signs",reason="failed"}'] == 1
    assert found['cds_missing_keys_total{key="patient",reason="not-supplied"}'] == 1


def test_feedback_that_was_kept_is_counted_by_outcome(place: Place):
    entry = {"card": "x", "outcome": "overridden", "outcomeTimestamp": "2026-03-01T12:00:00Z"}
    taken = entry | {"outcome": "accepted", "acceptedSuggestions": [{"id": "y"}]}
    assert place.client.post(f"{VIEW}/feedback", json={"feedback": [entry, taken]}).status_code == 200
    assert place.client.post(f"{VIEW}/feedback", json={"feedback": [entry, {}]}).status_code == 400
    found = place.metrics()
    assert found['cds_feedback_total{outcome="overridden",service="sample-patient-view"}'] == 1
    assert found['cds_feedback_total{outcome="accepted",service="sample-patient-view"}'] == 1
    assert found['cds_requests_total{endpoint="feedback",service="sample-patient-view",status="400"}'] == 1


def test_a_failure_of_ours_is_counted(place: Place, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(service_module, "evaluate", fail)
    place.post(VIEW, view_call())
    labels = 'endpoint="call",service="sample-patient-view",status="500"'
    assert place.metrics()[f"cds_requests_total{{{labels}}}"] == 1


def test_the_rulebook_served_is_named_with_its_digest(place: Place, sample_book: Rulebook):
    labels = f'digest="{sample_book.digest}",rulebook="sample",version="1.2.0"'
    assert place.metrics()[f"cds_rulebook_info{{{labels}}}"] == 1


def test_a_scrape_is_text_that_prometheus_reads_and_all_names_are_ours(place: Place):
    place.post(VIEW, view_call())
    response = place.client.get("/metrics")
    assert response.content_type.startswith("text/plain; version=")
    families = list(text_string_to_metric_families(response.text))
    assert families
    assert all(family.name.startswith("cds_") and family.documentation for family in families)


def test_two_applications_of_one_process_count_apart(place: Place, make_place: Make):
    place.post(VIEW, view_call())
    assert not any("cds_verdicts" in name for name in make_place().metrics())
