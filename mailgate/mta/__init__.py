"""What belongs into Postfix and Exim, and what they would answer a stranger."""
