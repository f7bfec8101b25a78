"""What a site changes."""
