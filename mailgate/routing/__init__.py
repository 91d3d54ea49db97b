"""What becomes of a message and why: pure functions over its facts and what the store knows."""
