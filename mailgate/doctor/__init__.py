"""Whether all is well, asked from outside where it can be."""
