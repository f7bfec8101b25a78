"""What others made: their requests are read, their schemas and models find nothing wrong with our answers."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from web.answers import INSTANCE, assert_cards, assert_outcome, empties, view_call

from cds_service.rulebook.hooks import HOOKS

from .calls import address, call
from .checks import Json, response_problems
from .oracle import MODELS, files, missing, named, needed, read, required, schema_problems
from .rows import row

REQUESTS = [
    path
    for path in files("inferno/fixtures", "logical-models/examples", "spec-examples/*")
    if isinstance(read(path), dict) and {"hook", "context"} <= set(read(path))
]
CONTEXTS = [path for path in files("spec-examples/hook-library/*") if "context" in read(path)]
BEFORE_R4 = {
    "order-select/03-example-dstu2",
    "order-sign/03-example-dstu2",
    "medication-refill/02-example-dstu2",
}
CARDS = [
    path
    for path in files("inferno/*", "spec-examples/*", "logical-models/examples")
    if "cards" in read(path) or named(path).endswith("valid_cards") or "card_responses" in named(path)
]
KNOWN = {
    "inferno/card_responses/launch_smart_app": {"L-2"},  # a form to be filled in before it is sent
    "inferno/card_responses/propose_alternate_request": {"G-2", "G-3", "SG-4"},  # likewise
    "spec-examples/3.0-build/24-example": {"C-4"},  # has no indicator
}
WITHOUT_PATIENT = {"spec-examples/2.0/23-extensions", "spec-examples/3.0-build/32-extensions"}
"""About extensions; their context lacks what patient-view requires."""
OURS = {
    *("C-1", "SG-2"),  # we always send uuids; the specification does not ask for them
    "SO-4",  # likewise a topic
    *("S-3", "L-5", "A-3", "A-7", "S-4"),  # others agree with their clients on more
}
MODEL_OF = {
    "patient-view": "CDSHookPatientViewContext",
    "order-select": "CDSHookOrderSelectContext",
    "order-sign": "CDSHookOrderSignContext",
    "order-dispatch": "CDSHookOrderDispatchContext",
    "encounter-start": "CDSHookEncounterStartContext",
    "encounter-discharge": "CDSHookEncounterDischargeContext",
    "appointment-book": "CDSHookAppointmentBookContext",
}
pytestmark = needed


def prefetch(patient: str) -> Json:
    """The sample rulebook's data of a patient of that id."""
    text = json.dumps(view_call()["prefetch"]).replace('"p1"', f'"{patient}"').replace("/p1", f"/{patient}")
    loaded: Json = json.loads(text)
    return loaded


@pytest.mark.parametrize("path", REQUESTS, ids=named)
def test_a_request_of_others_is_understood(sample: FlaskClient, path: Path) -> None:
    """Their data is not ours: what the rules read is put in, and left out to see the 412."""
    sent = read(path)
    hook = sent["hook"]
    if hook not in HOOKS:
        assert_outcome(sample.post(address(hook), json=sent), 404)
        return
    if named(path) in WITHOUT_PATIENT:
        issue = assert_outcome(sample.post(address(hook), json=sent), 400)
        assert issue["expression"] == ["context.patientId"]
        return
    assert sample.post(address(hook), json=sent).status_code in (200, 412)
    without = sent | {"prefetch": {}}
    assert_outcome(sample.post(address(hook), json=without), 412)
    with_data = sent | {"prefetch": prefetch(sent["context"]["patientId"])}
    assert_cards(sample.post(address(hook), json=with_data))


@pytest.mark.parametrize("path", REQUESTS, ids=named)
def test_a_request_of_others_without_a_member_is_refused(sample: FlaskClient, path: Path) -> None:
    sent = read(path)
    if sent["hook"] not in HOOKS:
        return
    sent["context"].setdefault("patientId", "p1")
    sent["prefetch"] = prefetch(sent["context"]["patientId"])
    assert [list(name) for name in required("CDSHooksRequest") if len(name) == 1] == [
        ["hook"],
        ["hookInstance"],
        ["context"],
    ]
    for name in ("hook", "hookInstance", "context"):
        spoiled = {key: value for key, value in sent.items() if key != name}
        issue = assert_outcome(sample.post(address(sent["hook"]), json=spoiled), 400)
        assert issue["expression"] == [name]


@row("K-14")
@pytest.mark.parametrize("path", CONTEXTS, ids=named)
def test_a_context_of_the_hook_library_is_understood(sample: FlaskClient, path: Path) -> None:
    hook, context = path.parent.name, read(path)["context"]
    sent = {
        "hook": hook,
        "hookInstance": INSTANCE,
        "context": context,
        "prefetch": prefetch(context["patientId"]),
    }
    response = sample.post(address(hook), json=sent)
    if f"{hook}/{path.stem}" in BEFORE_R4:
        assert assert_outcome(response, 412)["code"] == "not-supported"
    else:
        assert_cards(response)


@pytest.mark.parametrize("hook", MODEL_OF)
def test_what_the_logical_models_require_of_a_context_we_require(sample: FlaskClient, hook: str) -> None:
    for path in required(MODEL_OF[hook]):
        spoiled = copy.deepcopy(call(hook))
        assert path[0] in spoiled["context"], path
        del spoiled["context"][path[0]]
        issue = assert_outcome(sample.post(address(hook), json=spoiled), 400)
        assert issue["expression"] == [f"context.{path[0]}"]
    assert missing(MODEL_OF[hook], call(hook)["context"]) == []


def test_our_answers_fit_the_openapi_description_and_the_logical_model(answered: dict[str, Json]) -> None:
    for name, body in answered.items():
        assert schema_problems("CdsResponse", body) == [], name
        assert missing("CDSHooksResponse", body) == [], name


def test_our_discovery_fits_the_openapi_description_and_the_logical_model(
    sample: FlaskClient, shipped: FlaskClient
) -> None:
    for client in (sample, shipped):
        body = client.get("/cds-services").get_json()
        assert schema_problems("CdsServiceInformation", body) == []
        assert missing("CDSHooksServices", body) == []


def test_the_schema_and_the_model_notice_what_is_wrong(answered: dict[str, Json]) -> None:
    (card, *_) = next(body["cards"] for body in answered.values() if body["cards"])
    for name in ("summary", "source"):
        bad = {"cards": [{key: value for key, value in card.items() if key != name}]}
        assert schema_problems("CdsResponse", bad)
        assert missing("CDSHooksResponse", bad) == [f"cards.{name}"]
    assert schema_problems("CdsResponse", {"cards": [card | {"indicator": "hard-stop"}]})
    assert schema_problems("CdsServiceInformation", {"services": [{"id": "x", "hook": "y"}]})
    assert missing("CDSHooksServices", {"services": [{"id": "x", "hook": "y"}]}) == ["services.description"]


@pytest.mark.parametrize("path", CARDS, ids=named)
def test_our_checks_find_nothing_wrong_with_the_cards_of_others_but_what_is(path: Path) -> None:
    found = read(path)
    body: Any = (
        found
        if isinstance(found, dict) and "cards" in found
        else {"cards": found if isinstance(found, list) else [found]}
    )
    problems = {problem.partition(":")[0] for problem in response_problems(body)} - OURS
    assert problems == KNOWN.get(named(path), set()), response_problems(body)


def test_the_models_are_read(tmp_path: Path) -> None:
    assert ("cards", "summary") in required("CDSHooksResponse")
    assert (MODELS / "structuredefinition-CDSHooksResponse.json").is_file()
    assert list(empties({"cards": []}, "body")) == []
