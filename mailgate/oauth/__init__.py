"""Logins at mail providers: grants, tokens, and how they are shown to a server."""
