"""Reading back from the caller's FHIR server: only what was not supplied, only where it is allowed."""
