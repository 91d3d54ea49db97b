"""Mail that has to be fetched: from IMAP and POP servers, and from files."""
