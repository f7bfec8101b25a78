"""Conclusions become the cards a clinician reads: text, citations, suggestions, merging, order, response."""
