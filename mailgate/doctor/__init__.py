"""How mailgate and the mail server around it fare, and who is told."""
