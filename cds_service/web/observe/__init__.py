"""What a running service tells its operator: one line per call, and counters. Neither knows a patient."""
