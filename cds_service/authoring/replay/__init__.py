"""`cds replay`: charts and recorded calls decided again, and whose cards another version of the rules changes."""
