"""What the card says and offers."""
