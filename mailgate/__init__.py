"""mailgate: a mail gateway for the command line.

How a message travels: an edge (`deliver`, `lmtp`, `collect/`) reads it, `mail/` turns it into facts, `gateway` takes a
snapshot of the store, `judgement/` decides, `memory/` writes down, one commit answers the mail server, and `sending/`
pays what is owed.
"""

__version__ = "0.1.0"
