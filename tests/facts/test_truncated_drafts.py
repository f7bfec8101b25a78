"""A list of drafts that came only in part never says that an order is not there."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cds_service.authoring.charts import request_file
from cds_service.facts.request import HookRequest
from cds_service.pipeline import ServedRulebook, evaluate, examine
from cds_service.rulebook.load import load_rulebook
from cds_service.truth import UNKNOWN

ROOT = Path(__file__).parents[2]
STORY = "order-iv-35-mg.order-sign.json"
MORE = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]


DECISION = "org.cds-service.decision"


@cache
def served() -> ServedRulebook:
    return ServedRulebook.prepare(load_rulebook(ROOT / "rules" / "ketamine-trd"), "direct")


def with_drafts(tmp_path: Path, **changes: Any) -> HookRequest:
    """The recorded call with members of its drafts changed."""
    body = json.loads((ROOT / "fhir_fixtures" / "requests" / STORY).read_bytes())
    body["context"]["draftOrders"] |= changes
    path = tmp_path / STORY
    path.write_text(json.dumps(body))
    return request_file(path, served().book, charts=ROOT / "fhir_fixtures" / "charts")


def test_a_next_link_among_the_drafts_leaves_open_what_is_ordered(tmp_path: Path) -> None:
    conclusions = examine(with_drafts(tmp_path, link=MORE, entry=[]), served()).conclusions
    assert conclusions["ketamine-ordered"].verdict is UNKNOWN


@pytest.mark.parametrize(
    "changes", [{"link": MORE}, {"link": MORE, "entry": []}, {"entry": [{"resource": {"resourceType": "x"}}]}]
)
def test_an_answer_that_lacks_drafts_is_not_complete(tmp_path: Path, changes: Any) -> None:
    outcome = evaluate(with_drafts(tmp_path, **changes), served())
    assert outcome.body["extension"][DECISION]["complete"] is False
    assert outcome.evaluation.decision.not_obtained == (("draft-orders", "truncated"),)


def test_an_empty_list_of_selections_drops_no_warning(tmp_path: Path) -> None:
    """An empty list says of no order that it was not chosen."""
    body = json.loads((ROOT / "fhir_fixtures" / "requests" / "order-iv-60-mg.order-select.json").read_bytes())
    said = []
    for selections in (body["context"]["selections"], []):
        path = tmp_path / "call.order-select.json"
        path.write_text(json.dumps(body | {"context": body["context"] | {"selections": selections}}))
        call = request_file(path, served().book, charts=ROOT / "fhir_fixtures" / "charts")
        answer = evaluate(call, served()).body
        said.append([card["summary"] for card in answer["cards"]])
        assert answer["extension"][DECISION]["complete"] is True
    assert said[0] == said[1] != []


def test_an_answer_that_has_all_drafts_is_complete(tmp_path: Path) -> None:
    assert evaluate(with_drafts(tmp_path), served()).body["extension"][DECISION]["complete"] is True
