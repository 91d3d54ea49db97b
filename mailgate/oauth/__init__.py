"""Logins at mail providers: grants, tokens, and their use at a mail server."""
