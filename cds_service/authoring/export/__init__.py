"""`cds export`: a rulebook as FHIR R4, and what must be disclosed about it."""
