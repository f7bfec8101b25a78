"""Tests of the HTTP layer: most of them through Flask, those of the server through a real one."""
