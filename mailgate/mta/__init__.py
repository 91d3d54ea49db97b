"""What Postfix and Exim need to hand mail to mailgate, and what is there of it."""
