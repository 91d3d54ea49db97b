"""What an administrator keeps in files: configuration, cases, attachments, the mail server's tables."""
