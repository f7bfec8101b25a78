"""What an author set aside on the line."""
