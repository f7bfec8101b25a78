"""Who may call: rows SEC-3 to SEC-15 of the requirements."""
