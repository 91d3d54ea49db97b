"""Mail collected from a real Dovecot, and from servers that do what Dovecot does not."""
