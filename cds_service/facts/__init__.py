"""FHIR data in, findings out: the chart, what was not obtained, queries, views, extraction. No HTTP, no engine."""
