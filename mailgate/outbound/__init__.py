"""The worker that sends what is queued."""
