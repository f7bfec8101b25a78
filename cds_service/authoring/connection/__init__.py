"""What an EHR's FHIR server would give the rules, and what they could then decide."""
