"""Criteria that decide nothing, or nothing else than another."""
