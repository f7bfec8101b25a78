"""What a service needs to start, and what it says about itself."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from cds_service.errors import RuleError, UsageError
from cds_service.rulebook.book import Rulebook
from cds_service.settings import Settings
from cds_service.web.app import create_app

from .answers import NOW, RULEBOOKS


def test_the_rulebooks_of_the_folder_are_loaded():
    app = create_app(Settings(rules=RULEBOOKS))
    assert len(app.test_client().get("/cds-services").get_json()["services"]) == 2


def test_a_missing_rules_folder_is_named_with_a_way_out(tmp_path):
    with pytest.raises(UsageError, match=r"no folder '.*nowhere'.*--rules"):
        create_app(Settings(rules=tmp_path / "nowhere"))


def test_rules_with_problems_do_not_start(tmp_path):
    shutil.copytree(RULEBOOKS, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "sample" / "rulebook.yaml").open("a") as file:
        file.write("nonsense: 1\n")
    with pytest.raises(RuleError, match="nonsense"):
        create_app(Settings(rules=tmp_path))


def test_two_services_of_one_id_do_not_start(sample_book: Rulebook):
    with pytest.raises(UsageError, match="sample-patient-view"):
        create_app(Settings(), [sample_book, sample_book])


def test_required_approval_lists_every_active_rule_without_it(sample_book: Rulebook):
    with pytest.raises(RuleError) as caught:
        create_app(Settings(require_approval=True), [sample_book])
    text = str(caught.value)
    assert "heavy-patient" in text
    assert "drug-being-ordered" in text
    assert "heavy-patient.yaml" in text
    assert "fracture-on-record" not in text


def test_required_approval_asks_nothing_of_shadow_rules(sample_book: Rulebook):
    rules = tuple(
        rule if rule.about.approved_by else rule.model_copy(update={"status": "shadow"})
        for rule in sample_book.rules
    )
    create_app(Settings(require_approval=True), [dataclasses.replace(sample_book, rules=rules)])


def test_healthz_is_alive(client: FlaskClient):
    response = client.get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"status": "alive"})


@pytest.mark.parametrize("engine", ["direct"])
def test_readyz_says_which_rules_and_engine(sample_book: Rulebook, engine, tmp_path: Path):
    settings = Settings(engine=engine, database_url=f"sqlite:///{tmp_path}/cds.sqlite3")
    response = create_app(settings, [sample_book]).test_client().get("/readyz")
    assert response.status_code == 200
    rulebooks = [{"id": "sample", "version": "1.2.0", "digest": sample_book.digest}]
    assert response.get_json() == {
        "status": "ready",
        "engine": engine,
        "rulebooks": rulebooks,
        "workers": [{"pid": os.getpid(), "rulebooks": rulebooks}],
    }


def test_a_server_without_rules_is_alive_but_not_ready():
    client = create_app(Settings(), []).test_client()
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["reasons"] == ["no rulebook is loaded"]


def test_a_rulebook_without_served_rules_is_not_ready(sample_book: Rulebook):
    rules = tuple(rule.model_copy(update={"status": "draft"}) for rule in sample_book.rules)
    client = create_app(Settings(), [dataclasses.replace(sample_book, rules=rules)]).test_client()
    assert client.get("/readyz").status_code == 503
    assert client.get("/cds-services").get_json() == {"services": []}


def test_the_wsgi_module_makes_its_application_once_from_the_environment(monkeypatch, tmp_path: Path):
    from cds_service.web import wsgi

    monkeypatch.setenv("CDS_RULES", str(RULEBOOKS))
    monkeypatch.setenv("CDS_TODAY", NOW.date().isoformat())
    monkeypatch.setenv("CDS_DATABASE_URL", f"sqlite:///{tmp_path}/cds.sqlite3")
    monkeypatch.setattr("gc.freeze", lambda: None)
    app = wsgi.app
    assert app is wsgi.app
    assert app.test_client().get("/readyz").status_code == 200
    monkeypatch.delitem(vars(wsgi), "app")
    with pytest.raises(AttributeError):
        _ = wsgi.nothing
