"""What the sources are claimed to say."""
