"""What outlives a request: feedback on cards, and which tokens were seen. Knows nothing clinical."""
