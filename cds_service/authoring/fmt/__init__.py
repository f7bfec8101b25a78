"""The canonical form of the files of a rulebook: order of keys, spacing, quotes; the meaning stays."""
