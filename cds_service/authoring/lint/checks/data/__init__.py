"""What the facts ask of the chart."""
