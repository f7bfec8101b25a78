"""What was left unfinished in a file."""
