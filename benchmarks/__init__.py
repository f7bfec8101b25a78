"""Programs that measure the service: latency beside a floor, growth, and where the time goes."""
