"""mailgate: a mail gateway for the command line.

How a message travels: an edge (`deliver`) reads it, `message` turns it into facts, `gateway` takes a snapshot of the
store, `route` decides, `records` and `outbox` remember, one commit answers the mail server, and `transport` pays what
is owed.
"""

__version__ = "0.1.0"
