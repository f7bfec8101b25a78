"""FHIR data in, findings out: chart, what was not obtained, queries, views. No HTTP, no engine."""
