"""A read-only FHIR R4 server of charts on this machine, for testers: well-behaved, or badly on request."""
