"""mailgate: a mail gateway for the command line.

How a message travels: a way in (`inbound/`) takes it, `mail/` and `reports/` turn it into facts, `gateway/receive`
takes a snapshot of the store, `routing/` decides, `store/apply` writes it down, one commit answers the mail server, and
`outbound/` sends what is queued.
"""

__version__ = "0.1.0"
