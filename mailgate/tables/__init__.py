"""The rows of the store, a module for each kind."""
