"""What is owed is paid: messages handed to a mail server."""
