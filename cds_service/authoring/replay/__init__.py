"""`cds replay`: every chart decided again, and whose cards another version of the rules changes."""
