"""Export and import of what administrators declare."""
