"""The code systems: their URLs, the short names rule files use, and how their codes are compared.

Codes are compared as their system writes them: ICD-10-CM without the dot and in any case, LOINC in any case,
texts and local codes as a whole in any case, everything else exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

SYSTEMS: Mapping[str, str] = {
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "v3-act-code": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "v3-null-flavor": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
    "v2-0136": "http://terminology.hl7.org/CodeSystem/v2-0136",
    "v3-observation-interpretation": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "medicationrequest-status-reason": "http://terminology.hl7.org/CodeSystem/medicationrequest-status-reason",
    "boolean": "boolean",
    "text": "text",
    "local": "local",
}
"""The URL of every system a rule file may name; `local` is any system not listed here, or none."""

_NAMES: Mapping[str, str] = {url: name for name, url in SYSTEMS.items()} | {
    "urn:oid:2.16.840.1.113883.6.90": "icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "urn:oid:2.16.840.1.113883.5.4": "v3-act-code",
    "http://hl7.org/fhir/v3/ActCode": "v3-act-code",
    "urn:oid:2.16.840.1.113883.5.1008": "v3-null-flavor",
    "http://hl7.org/fhir/v3/NullFlavor": "v3-null-flavor",
    "urn:oid:2.16.840.1.113883.12.136": "v2-0136",
    "http://hl7.org/fhir/v2/0136": "v2-0136",
    "urn:oid:2.16.840.1.113883.5.83": "v3-observation-interpretation",
    "http://hl7.org/fhir/v3/ObservationInterpretation": "v3-observation-interpretation",
    # Systems charts use that no rule file can name: known, so that their codes are not taken for local ones.
    "http://hl7.org/fhir/sid/ndc": "ndc",
    "urn:oid:2.16.840.1.113883.6.69": "ndc",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "urn:oid:2.16.840.1.113883.6.3": "icd-10",
    "http://hl7.org/fhir/sid/icd-9-cm": "icd-9-cm",
    "urn:oid:2.16.840.1.113883.6.103": "icd-9-cm",
    "http://hl7.org/fhir/sid/cvx": "cvx",
    "http://www.ama-assn.org/go/cpt": "cpt",
    "http://www.whocc.no/atc": "atc",
    "http://fdasis.nlm.nih.gov": "unii",
}


def system_name(system: str) -> str:
    """The short name of a system's URL or OID; `local` for an unlisted or absent one."""
    name = _NAMES.get(system)
    if name is not None:
        return name
    if system and ":" not in system:
        return "unknown"
    tidy = system.strip().rstrip("/").replace("https://", "http://", 1)
    if tidy.startswith("http://snomed.info/sct/"):
        return "snomed"
    return _NAMES.get(tidy, "local")


def plain_code(name: str, code: str) -> str:
    """A code in the one form it is compared in."""
    if name == "icd-10-cm":
        return code.strip().upper().replace(".", "")
    if name == "loinc":
        return code.strip().upper()
    if name in ("text", "local", "boolean"):
        return " ".join(code.casefold().split())
    return code.strip()
