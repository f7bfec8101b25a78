"""Hook calls of any size around chart v01: what an EHR sends beside the few entries that decide.

Each resource added is of a kind our prefetch keys ask for: other problems, other drugs, an antidepressant of
an earlier episode, older questionnaire scores and vital signs. None changes a card, and `check` proves it.
The bodies are seeded, compact JSON of about half a kilobyte a resource: 260 kB at 500, as the design's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from cds_service.pipeline import ServedRulebook, evaluate
from cds_service.rulebook.load import load_rulebook
from cds_service.web.request import read_request

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
RULEBOOK = ROOT / "rules" / "ketamine-trd"
STORY = ROOT / "fhir_fixtures" / "requests" / "v01-clear-trd.patient-view.json"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOOK = "patient-view"
SERVICE = f"ketamine-trd-{HOOK}"
SIZES = (20, 100, 500)

_LOINC, _SNOMED = "http://loinc.org", "http://snomed.info/sct"
_ICD, _RXNORM = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.nlm.nih.gov/research/umls/rxnorm"
_UCUM, _TERMS = "http://unitsofmeasure.org", "http://terminology.hl7.org/CodeSystem"
_HISTORY = (date(2016, 1, 4), date(2024, 11, 29))
_EARLIER = (date(2016, 1, 4), date(2019, 6, 28))

_PROBLEMS = (
    ("E03.9", "Hypothyroidism, unspecified", "40930008", "Hypothyroidism"),
    ("E78.5", "Hyperlipidemia, unspecified", "55822004", "Hyperlipidemia"),
    ("E11.9", "Type 2 diabetes mellitus without complications", "44054006", "Diabetes mellitus type 2"),
    ("K21.9", "Gastro-esophageal reflux disease without esophagitis", "235595009", "Gastroesophageal reflux"),
    ("J30.2", "Other seasonal allergic rhinitis", "367498001", "Seasonal allergic rhinitis"),
    ("J45.20", "Mild intermittent asthma, uncomplicated", "427679007", "Mild intermittent asthma"),
    ("M54.50", "Low back pain, unspecified", "279039007", "Low back pain"),
    ("M17.11", "Unilateral primary osteoarthritis, right knee", "239873007", "Osteoarthritis of knee"),
    ("E55.9", "Vitamin D deficiency, unspecified", "34713006", "Vitamin D deficiency"),
    ("L30.9", "Dermatitis, unspecified", "43116000", "Eczema"),
    ("H52.13", "Myopia, bilateral", "57190000", "Myopia"),
    ("G56.01", "Carpal tunnel syndrome, right upper limb", "57406009", "Carpal tunnel syndrome"),
)
_DRUGS = (
    ("314076", "lisinopril 10 MG Oral Tablet"),
    ("860975", "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet"),
    ("617310", "atorvastatin 20 MG Oral Tablet"),
    ("966222", "levothyroxine sodium 0.075 MG Oral Tablet"),
    ("198051", "omeprazole 20 MG Delayed Release Oral Capsule"),
    ("1014678", "cetirizine hydrochloride 10 MG Oral Tablet"),
    ("308191", "amoxicillin 500 MG Oral Capsule"),
    ("310965", "ibuprofen 200 MG Oral Tablet"),
)
_OLD_DRUG = ("310385", "fluoxetine 20 MG Oral Capsule")
_PROCEDURES = (
    ("73761001", "Colonoscopy"),
    ("14768001", "Peripheral blood smear interpretation"),
    ("268400002", "12 lead electrocardiogram"),
    ("76601001", "Intramuscular injection"),
    ("86198006", "Influenza vaccination"),
)
_ALLERGIES = (("91936005", "Allergy to penicillin"), ("300916003", "Latex allergy"))
_PHQ9_ITEMS = (
    "44250-9",
    "44255-8",
    "44259-0",
    "44254-1",
    "44251-7",
    "44258-2",
    "44252-5",
    "44253-3",
    "44260-8",
)


class Writer:
    """Makes resources of one patient in the order of one seed."""

    def __init__(self, seed: int, patient: str) -> None:
        self._random = Random(seed)
        self._patient = patient
        self._made = 0

    def condition(self) -> Json:
        """A problem with both codings, most of them old and many resolved."""
        icd, icd_name, snomed, name = self._random.choice(_PROBLEMS)
        status = self._random.choice(("active", "active", "resolved", "inactive"))
        onset = self._day()
        return {
            **self._of("Condition"),
            "clinicalStatus": {"coding": [_coding(f"{_TERMS}/condition-clinical", status)]},
            "verificationStatus": {"coding": [_coding(f"{_TERMS}/condition-ver-status", "confirmed")]},
            "code": {"coding": [_coding(_ICD, icd, icd_name), _coding(_SNOMED, snomed, name)], "text": name},
            "onsetDateTime": onset,
            "recordedDate": onset,
        }

    def medication_request(self) -> Json:
        """An order, old or current."""
        return {
            **self._of("MedicationRequest"),
            "status": self._random.choice(("active", "completed", "stopped")),
            "intent": "order",
            **self._drug(),
            "authoredOn": self._moment(),
            "dosageInstruction": [{"text": "Take 1 by mouth once daily", **_DAILY}],
        }

    def medication_dispense(self) -> Json:
        """A supply; one in six is the antidepressant of an earlier episode."""
        old = self._random.random() < 1 / 6
        return {
            **self._of("MedicationDispense"),
            "status": "completed",
            **(_medication(_OLD_DRUG) if old else self._drug()),
            "quantity": {"value": 30, "unit": "tablet"},
            "daysSupply": {"value": 30, "unit": "days", "system": _UCUM, "code": "d"},
            "whenHandedOver": self._moment(_EARLIER if old else _HISTORY),
        }

    def medication_statement(self) -> Json:
        """A drug on the patient's own list."""
        return {
            **self._of("MedicationStatement"),
            "status": self._random.choice(("active", "completed")),
            **self._drug(),
            "effectivePeriod": {"start": self._day()},
            "dosage": [{"text": "1 daily"}],
        }

    def medication_administration(self) -> Json:
        """A dose given on a ward."""
        return {
            **self._of("MedicationAdministration"),
            "status": "completed",
            **self._drug(),
            "effectiveDateTime": self._moment(),
            "dosage": {"dose": {"value": 1, "unit": "tablet"}},
        }

    def score(self) -> Json:
        """An older PHQ-9 total."""
        asked = _coding(
            _LOINC, "44261-6", "Patient Health Questionnaire 9 item (PHQ-9) total score [Reported]"
        )
        number = {"value": self._random.randint(5, 26), "unit": "{score}", "system": _UCUM, "code": "{score}"}
        return self._observation(asked, {"valueQuantity": number})

    def blood_pressure(self) -> Json:
        """A reading with two components."""
        top, low = self._random.randint(104, 132), self._random.randint(62, 84)
        parts = [_pressure("8480-6", "Systolic", top), _pressure("8462-4", "Diastolic", low)]
        return self._observation(_coding(_LOINC, "85354-9", "Blood pressure panel"), {"component": parts})

    def weight(self) -> Json:
        """A weight in kilograms."""
        kilograms = {
            "value": self._random.randint(660, 730) / 10,
            "unit": "kg",
            "system": _UCUM,
            "code": "kg",
        }
        return self._observation(_coding(_LOINC, "29463-7", "Body weight"), {"valueQuantity": kilograms})

    def response(self) -> Json:
        """A PHQ-9 form filled in years ago."""
        items = [
            {"linkId": f"/44249-1/{code}", "answer": [{"valueInteger": self._random.randint(0, 2)}]}
            for code in _PHQ9_ITEMS[:-1]
        ]
        items.append({"linkId": f"/44249-1/{_PHQ9_ITEMS[-1]}", "answer": [{"valueInteger": 0}]})
        made = {**self._of("QuestionnaireResponse"), "status": "completed", "authored": self._moment()}
        return {**made, "item": items}

    def procedure(self) -> Json:
        """Something done years ago."""
        code, name = self._random.choice(_PROCEDURES)
        return {
            **self._of("Procedure"),
            "status": "completed",
            "code": {"coding": [_coding(_SNOMED, code, name)], "text": name},
            "performedDateTime": self._moment(),
        }

    def allergy(self) -> Json:
        """An allergy that bears on no rule."""
        code, name = self._random.choice(_ALLERGIES)
        made = {**self._of("AllergyIntolerance"), "recordedDate": self._day()}
        made["patient"] = made.pop("subject")
        active = {"coding": [_coding(f"{_TERMS}/allergyintolerance-clinical", "active")]}
        return {**made, "clinicalStatus": active, "code": {"coding": [_coding(_SNOMED, code, name)]}}

    def _of(self, kind: str) -> Json:
        self._made += 1
        subject = {"reference": f"Patient/{self._patient}"}
        return {"resourceType": kind, "id": f"more-{self._made}", "subject": subject}

    def _observation(self, code: Json, value: Json) -> Json:
        when = {"effectiveDateTime": self._moment()}
        return {**self._of("Observation"), "status": "final", "code": {"coding": [code]}, **when, **value}

    def _drug(self) -> Json:
        return _medication(self._random.choice(_DRUGS))

    def _day(self, span: tuple[date, date] = _HISTORY) -> str:
        days = (span[1] - span[0]).days
        return (span[0] + timedelta(days=self._random.randrange(days))).isoformat()

    def _moment(self, span: tuple[date, date] = _HISTORY) -> str:
        clock = f"{self._random.randint(7, 18):02}:{self._random.randint(0, 59):02}:00Z"
        return f"{self._day(span)}T{clock}"


def _coding(system: str, code: str, display: str = "") -> Json:
    coding = {"system": system, "code": code}
    return {**coding, "display": display} if display else coding


def _medication(drug: tuple[str, str]) -> Json:
    return {"medicationCodeableConcept": {"coding": [_coding(_RXNORM, *drug)], "text": drug[1]}}


def _pressure(code: str, side: str, number: int) -> Json:
    value = {"value": number, "unit": "mmHg", "system": _UCUM, "code": "mm[Hg]"}
    return {"code": {"coding": [_coding(_LOINC, code, f"{side} blood pressure")]}, "valueQuantity": value}


_DAILY: Json = {
    "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
    "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "tablet"}}],
}

# What one more resource is, in parts of a hundred, and the key it comes under.
_MIX: Mapping[str, tuple[int, Callable[[Writer], Json]]] = {
    "conditions": (20, Writer.condition),
    "medication-requests": (22, Writer.medication_request),
    "medication-dispenses": (20, Writer.medication_dispense),
    "medication-statements": (6, Writer.medication_statement),
    "medication-administrations": (6, Writer.medication_administration),
    "observations-depression-scores": (8, Writer.score),
    "observations-blood-pressure": (7, Writer.blood_pressure),
    "observations-body-weight": (4, Writer.weight),
    "procedures": (4, Writer.procedure),
    "questionnaire-responses": (2, Writer.response),
    "allergies": (1, Writer.allergy),
}


def patient_view(resources: int, *, seed: int = 1) -> bytes:
    """The body of a patient-view call with so many resources. Raises ValueError for fewer than v01 has."""
    call: Json = msgspec.json.decode(STORY.read_bytes())
    prefetch: Json = call["prefetch"]
    more = resources - resources_of(call)
    if more < 0:
        raise ValueError(f"chart v01 alone has {resources - more} resources")
    writer, order = Writer(seed, call["context"]["patientId"]), Random(seed)
    keys, weights = list(_MIX), [weight for weight, _ in _MIX.values()]
    for key in order.choices(keys, weights, k=more):
        bundle = prefetch.get(key) or {"resourceType": "Bundle", "type": "searchset", "entry": []}
        prefetch[key] = bundle
        bundle.setdefault("entry", []).append({"resource": _MIX[key][1](writer), "search": {"mode": "match"}})
        bundle["total"] = len(bundle["entry"])
    return msgspec.json.encode(call)


def resources_of(call: Json) -> int:
    """How many resources the prefetch of a call holds."""
    values = [value for value in call["prefetch"].values() if value]
    return sum(len(value.get("entry", ())) if value["resourceType"] == "Bundle" else 1 for value in values)


def shipped(engine: str | None = None) -> ServedRulebook:
    """The shipped rulebook, ready to answer."""
    return ServedRulebook.prepare(load_rulebook(RULEBOOK), engine)


def answer(body: bytes, served: ServedRulebook) -> Json:
    """What the service answers, evaluated in this process."""
    call = read_request(body, service_id=SERVICE, hook=HOOK, as_of=NOW, zone=UTC)
    return evaluate(call, served).body


def check(body: bytes, served: ServedRulebook) -> int:
    """The number of cards of the body. Raises AssertionError if they are not v01's own."""
    expected = answer(STORY.read_bytes(), served)["cards"]
    cards = answer(body, served)["cards"]
    assert cards, "chart v01 shows no card: the bodies would measure an empty answer"
    assert cards == expected, "the resources added change the cards of v01"
    return len(cards)
