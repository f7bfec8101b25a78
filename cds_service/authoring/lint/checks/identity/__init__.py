"""Ids and versions over time."""
