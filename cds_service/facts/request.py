"""One hook call as the pipeline sees it: already checked for shape, its resources not yet read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

import msgspec


@dataclass(frozen=True, slots=True)
class HookRequest:
    """A CDS Hooks call (specification 2.0.1, "Calling a CDS Service").

    `patient_id` and `encounter_id` are bare ids. `prefetch` holds the raw JSON of each key the caller sent;
    a key that is absent was not supplied, `null` means searched and empty. `draft_orders` is the raw Bundle
    of the context; `selections` the `Type/id` references picked in it. `as_of` is an aware instant: nothing
    below the pipeline's door asks for the time. `zone` is the service's time zone. `access_token` is for
    reads of `fhir_server` during this call only; it is never shown, stored or logged. `subject` is the client
    id it was given to. `token_unusable` says that the call brought access which cannot be used: nothing is
    then read in its place without any.
    """

    hook: str
    hook_instance: str
    service_id: str
    user: str
    patient_id: str
    as_of: datetime
    zone: tzinfo
    encounter_id: str = ""
    prefetch: Mapping[str, msgspec.Raw] = field(default_factory=dict)
    draft_orders: msgspec.Raw | None = None
    selections: tuple[str, ...] = ()
    fhir_server: str = ""
    access_token: str = field(default="", repr=False)
    subject: str = ""
    token_unusable: bool = False
