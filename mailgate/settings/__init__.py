"""The configuration file, and where each setting comes from."""
