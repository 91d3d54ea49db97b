"""The ways in: the mail server's pipe, LMTP, IMAP and POP servers, files."""
