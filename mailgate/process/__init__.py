"""This process: its user, its limits, its deadlines, the files that it writes."""
