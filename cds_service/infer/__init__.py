"""Findings to conclusions, by durable-rules or directly: same answers. The only importer of durable."""
