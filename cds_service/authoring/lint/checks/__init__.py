"""One file per check, `<category>/<name>.py`, each with its CHECK; registry.py finds them by their place."""
