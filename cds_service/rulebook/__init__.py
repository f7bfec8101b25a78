"""YAML files to a checked, frozen rulebook: format, terminology, sources, order, digest. No chart."""
