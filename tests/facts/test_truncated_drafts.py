"""A list of drafts that came only in part never says that an order is not there."""

from __future__ import annotations

import json
from pathlib import Path

from cds_service.authoring.charts import request_file
from cds_service.pipeline import ServedRulebook, examine
from cds_service.rulebook.load import load_rulebook
from cds_service.truth import UNKNOWN

ROOT = Path(__file__).parents[2]
STORY = "order-iv-35-mg.order-sign.json"


def test_a_next_link_among_the_drafts_leaves_open_what_is_ordered(tmp_path: Path) -> None:
    body = json.loads((ROOT / "fhir_fixtures" / "requests" / STORY).read_bytes())
    drafts = body["context"]["draftOrders"]
    drafts["link"] = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]
    drafts["entry"] = []
    path = tmp_path / STORY
    path.write_text(json.dumps(body))
    book = load_rulebook(ROOT / "rules" / "ketamine-trd")
    request = request_file(path, book, charts=ROOT / "fhir_fixtures" / "charts")
    conclusions = examine(request, ServedRulebook.prepare(book, "direct")).conclusions
    assert conclusions["ketamine-ordered"].verdict is UNKNOWN
