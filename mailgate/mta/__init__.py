"""What belongs into Postfix and Exim, and what providers and name servers are told."""
