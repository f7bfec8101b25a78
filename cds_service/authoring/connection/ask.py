"""One hook call without prefetch: every key is read from the FHIR server, then judged as if served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo
from ipaddress import ip_network
from uuid import NAMESPACE_URL, uuid5

from cds_service.errors import RequestError
from cds_service.facts.read import EMPTY, FAILED, FOUND, Owner, kind_of, read_key
from cds_service.facts.request import HookRequest
from cds_service.facts.server.heard import Heard
from cds_service.facts.server.policy import FhirPolicy
from cds_service.facts.server.reads import FhirReader
from cds_service.facts.server.source import Answer, Outcome
from cds_service.pipeline import Evaluation, ServedRulebook, examine

CHECKER = "Practitioner/check-connection"
"""The user of the call: a clinician, so that no card is kept back."""

NOT_ASKED = "not-asked"
"""The result of the encounter's key where no encounter was named."""

# What plain http may reach: tokens do not travel unencrypted beyond these.
_NEAR = ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")


@dataclass(frozen=True)
class Connection:
    """The FHIR server to ask, and about whom. The token goes to that server and nowhere else."""

    base: str
    patient: str
    encounter: str
    token: str

    @property
    def policy(self) -> FhirPolicy:
        """Only this server may be read."""
        near = tuple(ip_network(text) for text in _NEAR)
        return FhirPolicy(bases=(self.base,), networks=near, without_token=not self.token)

    def request(self, served: ServedRulebook, hook: str, as_of: datetime, zone: tzinfo) -> HookRequest:
        """The call an EHR would make if it sent no prefetch."""
        return HookRequest(
            hook=hook,
            hook_instance=str(uuid5(NAMESPACE_URL, f"check-connection/{hook}")),
            service_id=f"{served.book.id}-{hook}",
            user=CHECKER,
            patient_id=self.patient,
            as_of=as_of,
            zone=zone,
            encounter_id=self.encounter,
            fhir_server=self.base,
            access_token=self.token,
        )


@dataclass(frozen=True)
class KeyResult:
    """What the search of one prefetch key came to.

    `result` is the state it led to, `refused` if it was not allowed, or `not-asked`. `found` counts resources
    of the key's type; `status` is the HTTP status of a failure, 0 if none came.
    """

    key: str
    result: str
    found: int = 0
    status: int = 0
    milliseconds: int = 0

    @property
    def obtained(self) -> bool:
        """Whether the rules know all that the EHR has for this key."""
        return self.result in (FOUND, EMPTY, NOT_ASKED)


@dataclass(frozen=True)
class Checked:
    """One rulebook's hook tried: its keys, and its decision, or why there is none."""

    served: ServedRulebook
    request: HookRequest
    keys: tuple[KeyResult, ...]
    evaluation: Evaluation | None
    refusal: str = ""

    @property
    def obtained(self) -> bool:
        """Whether every key was obtained in full."""
        return all(one.obtained for one in self.keys)


def check(served: ServedRulebook, request: HookRequest, policy: FhirPolicy, reader: FhirReader) -> Checked:
    """Read every key of the request's hook, and decide. A call the service would refuse says why."""
    heard = Heard(reader.begin(policy))
    evaluation, refusal = None, ""
    try:
        evaluation = examine(request, served, heard)
    except RequestError as error:
        refusal = str(error)
    outcomes = {one.key: one for one in heard.outcomes}
    keys = served.plans[request.hook].keys
    results = tuple(_result(key, outcomes.get(key), heard.answers.get(key), request) for key in keys)
    return Checked(served, request, results, evaluation, refusal)


def _result(key: str, outcome: Outcome | None, answer: Answer | None, request: HookRequest) -> KeyResult:
    if outcome is None or answer is None:
        return KeyResult(key, NOT_ASKED)
    found = 0
    if answer.raw is not None:
        brought = read_key(key, answer.raw, Owner(request.patient_id, request.fhir_server))
        found = sum(one.__class__.__name__ == kind_of(key) for one in brought.resources)
    status = answer.status if outcome.outcome == FAILED else 0
    return KeyResult(key, outcome.outcome, found, status, outcome.milliseconds)
