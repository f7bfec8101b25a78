"""HTTP and nothing clinical: discovery, hook calls, health, errors as OperationOutcome."""
