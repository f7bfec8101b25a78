"""The test server as any FHIR client meets it: reads, media types, refusals, what it says it can do."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir_examples import MARK, client_of, observation, patient, refused, searchset
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from cds_service.authoring.charts import ChartFile
from cds_service.authoring.fhirserver.app import Seen, create_fhir_app
from cds_service.authoring.fhirserver.parameters import PARAMETERS
from cds_service.authoring.fhirserver.store import Store
from cds_service.errors import UsageError


@pytest.fixture
def client() -> FlaskClient:
    return client_of(
        patient(meta={"versionId": "7"}), observation("o1"), observation("o2", code={"text": "odd"})
    )


# --- reads ---------------------------------------------------------------------------------------


def test_a_resource_is_read_by_type_and_id(client: FlaskClient) -> None:
    response = client.get("/fhir/Observation/o1")
    assert response.status_code == 200
    assert json.loads(response.data) == observation("o1")


def test_a_version_read_before_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get("/fhir/Patient/p1").headers["ETag"]
    assert tag == 'W/"7"'
    again = client.get("/fhir/Patient/p1", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/fhir/Patient/p1", headers={"If-None-Match": 'W/"77"'}).status_code == 200


@pytest.mark.parametrize(
    "path", [f"Patient/{MARK}", f"{MARK}/1", f"{MARK}", f"{MARK}/1/2/3", "Observation/p1"]
)
def test_what_is_not_there_is_404(client: FlaskClient, path: str) -> None:
    refused(client.get(f"/fhir/{path}"), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "Patient/p1"),
        ("DELETE", "Patient/p1"),
        ("PATCH", "Patient/p1"),
        ("POST", "Patient"),
        ("POST", "metadata"),
    ],
)
def test_nothing_can_be_written(client: FlaskClient, method: str, path: str) -> None:
    response = client.open(f"/fhir/{path}", method=method, json={"resourceType": "Patient"})
    assert "only reads" in refused(response, 405)
    assert "GET" in response.headers["Allow"]


def test_a_search_with_a_json_body_is_refused(client: FlaskClient) -> None:
    assert "form" in refused(client.post("/fhir/Observation/_search", json={"patient": "p1"}), 415)


@pytest.mark.parametrize("token", ["x", "", "WyJhIl0", "e30", "💊"])
def test_a_page_that_was_never_given_out_is_gone(client: FlaskClient, token: str) -> None:
    refused(client.get(f"/fhir/_page/{token}"), 410 if token else 404)


def test_a_page_of_other_charts_is_gone() -> None:
    many, others = client_of(observation("o1"), observation("o2"), page=1), client_of(observation("o9"))
    url = json.loads(many.get("/fhir/Observation").data)["link"][1]["url"].removeprefix("http://localhost")
    assert many.get(url).status_code == 200
    refused(others.get(url), 410)


# --- media types, browsers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accept", "sent"),
    [
        (None, "application/fhir+json"),
        ("*/*", "application/fhir+json"),
        ("application/json", "application/json"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/json+fhir", "application/json+fhir"),
        ("application/fhir+json;q=0.5, application/json", "application/json"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "application/fhir+json"),
        ("application/fhir+xml", "application/fhir+json"),
    ],
)
def test_json_comes_under_the_name_the_client_knows(
    client: FlaskClient, accept: str | None, sent: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    for path in ("Patient/p1", "Patient", "metadata", "Patient/nobody"):
        assert client.get(f"/fhir/{path}", headers=headers).content_type == sent


def test_format_is_ignored_without_a_remark(client: FlaskClient) -> None:
    bundle = searchset(client.get("/fhir/Observation?_format=xml&_pretty=true"))
    assert [one["search"]["mode"] for one in bundle["entry"]] == ["match", "match"]


@pytest.mark.parametrize(
    "path", ["Patient", "Patient/p1", "Observation/_search", "metadata", "anything/else/1"]
)
def test_a_browser_may_ask_from_any_page(client: FlaskClient, path: str) -> None:
    asked = {
        "Origin": "http://localhost:8080",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    response = client.options(f"/fhir/{path}", headers=asked)
    assert response.status_code == 204
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Allow-Headers"] == "authorization,content-type"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_refusals_can_be_read_by_a_browser_too(client: FlaskClient) -> None:
    assert client.get("/fhir/Nothing").headers["Access-Control-Allow-Origin"] == "*"


# --- searches as HTTP ----------------------------------------------------------------------------


def test_a_search_by_post_is_the_search_by_get(client: FlaskClient) -> None:
    by_get = searchset(client.get("/fhir/Observation?patient=p1&code=29463-7"))
    by_post = searchset(client.post("/fhir/Observation/_search?patient=p1", data={"code": "29463-7"}))
    assert by_get == by_post
    assert [one["fullUrl"] for one in by_get["entry"]] == ["http://localhost/fhir/Observation/o1"]


def test_an_unknown_parameter_is_left_out_with_a_warning(client: FlaskClient) -> None:
    bundle = searchset(client.get(f"/fhir/Observation?_include={MARK}&patient=p1"))
    assert bundle["total"] == 2
    assert bundle["link"][0]["url"] == "http://localhost/fhir/Observation?patient=p1"
    remark = bundle["entry"][-1]
    assert remark["search"]["mode"] == "outcome"
    assert remark["resource"]["issue"][0]["severity"] == "warning"
    assert "_include" in json.dumps(remark)
    assert MARK not in json.dumps(bundle)


@pytest.mark.parametrize("query", ["_include=x", "patient.name=x", "_sort=code", "_sort=date,nothing"])
def test_strict_handling_refuses_what_lenient_handling_leaves_out(client: FlaskClient, query: str) -> None:
    strict = {"Prefer": "return=minimal, handling=strict"}
    assert "supported: _id" in refused(client.get(f"/fhir/Observation?{query}", headers=strict), 400)
    lenient = searchset(client.get(f"/fhir/Observation?{query}", headers={"Prefer": "handling=lenient"}))
    assert lenient["total"] == 2


@pytest.mark.parametrize(
    "query",
    [
        f"date={MARK}",
        f"date=sa2026-01-01&code={MARK}",
        "date=2026-13-01",
        "date=ge",
        "_count=-1",
        f"_count={MARK}",
        f"code:in={MARK}",
        f"code:not={MARK}",
        f"patient:Group={MARK}",
        "code=|",
        "code=",
        "status=,",
    ],
)
def test_a_value_that_cannot_be_understood_is_400(client: FlaskClient, query: str) -> None:
    refused(client.get(f"/fhir/Observation?{query}"), 400)
    refused(client_of().get(f"/fhir/Observation?{query}"), 400)


NAMES = st.sampled_from(
    [*PARAMETERS["Observation"], "_count", "_sort", "_include", "date:above", "patient:x"]
)


@given(
    st.lists(st.tuples(NAMES | st.text(), st.text() | st.from_regex(r"(ge|lt)?[0-9T:+.Z|,\\-]*")), max_size=4)
)
def test_no_search_makes_the_server_fail(pairs: list[tuple[str, str]]) -> None:
    client = client_of(observation("o1"), observation("o2", "2026"))
    for answer in (
        client.get("/fhir/Observation", query_string=urlencode(pairs)),
        client.post("/fhir/Observation/_search", data=dict(pairs)),
    ):
        if answer.status_code == 200:
            searchset(answer)
        else:
            assert answer.status_code == 400
            assert json.loads(answer.data)["resourceType"] == "OperationOutcome"


# --- what it says of itself ----------------------------------------------------------------------


def test_metadata_says_what_is_supported_and_no_more(client: FlaskClient) -> None:
    response = client.get("/fhir/metadata", headers={"Accept": "application/json"})
    statement = json.loads(response.data)
    CapabilityStatement.model_validate(statement)
    assert statement["fhirVersion"] == "4.0.1"
    resources = statement["rest"][0]["resource"]
    assert [one["type"] for one in resources] == list(PARAMETERS)
    example = {"token": "a|b", "reference": "x", "date": "ge2026", "string": "x"}
    for one in resources:
        assert {code["code"] for code in one["interaction"]} == {"read", "search-type"}
        query = "&".join(f"{each['name']}={example[each['type']]}" for each in one["searchParam"])
        answer = client.get(f"/fhir/{one['type']}?{query}", headers={"Prefer": "handling=strict"})
        assert searchset(answer)["total"] == 0


def test_smart_apps_are_not_started(client: FlaskClient) -> None:
    text = refused(client.post("/fhir/_services/smart/Launch", json={"launch_url": MARK}), 501)
    assert "SMART" in text


def test_a_request_is_told_without_ids_and_values() -> None:
    told: list[Seen] = []
    store = Store.of([ChartFile("a", None, MARK, (patient(MARK),))])
    client = create_fhir_app(store, seen=told.append).test_client()
    for path in (f"Patient/{MARK}", f"Patient?_id={MARK}", f"Patient?{MARK}9=1", f"{MARK}/1", "metadata"):
        client.get(f"/fhir/{path}", headers={"Authorization": f"Bearer {MARK}"})
    assert [str(one) for one in told] == [
        "GET Patient/… 200",
        "GET Patient?_id 200, 1 found",
        "GET Patient?(odd) 200, 1 found",
        "GET …/… 404",
        "GET metadata 200",
    ]
    assert told[0].number == MARK
    assert told[0].authorized


# --- charts side by side -------------------------------------------------------------------------


def test_a_resource_that_charts_share_is_held_once() -> None:
    shared = {"resourceType": "Practitioner", "id": "example"}
    charts = [ChartFile(f"{name}.json", None, name, (patient(name), shared)) for name in ("a", "b")]
    store = Store.of(charts)
    assert list(store.all("Practitioner")) == [shared]
    assert store.patients == {"a": "a", "b": "b"}


def test_two_meanings_of_one_id_are_refused() -> None:
    charts = [
        ChartFile("a.json", None, "a", (patient("a"), observation("same", owner="a"))),
        ChartFile("b.json", None, "b", (patient("b"), observation("same", owner="b"))),
    ]
    with pytest.raises(UsageError, match=r"b.json and a.json .* Observation/same.*--chart"):
        Store.of(charts)


def test_a_resource_nobody_could_read_is_refused() -> None:
    with pytest.raises(UsageError, match="a Condition has no id"):
        Store.of([ChartFile("a.json", None, "p1", (patient(), {"resourceType": "Condition"}))])
