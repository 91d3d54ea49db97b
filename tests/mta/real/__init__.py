"""The files of examples/ behind a real Postfix and a real Exim."""
