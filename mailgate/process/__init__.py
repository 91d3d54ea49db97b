"""This process: its user, its limits, its deadlines."""
