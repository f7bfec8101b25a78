"""`cds new`: files to begin with, clean but for what only a person can say."""
