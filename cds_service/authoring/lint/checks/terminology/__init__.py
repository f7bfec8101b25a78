"""Codes and what they are said to mean."""
