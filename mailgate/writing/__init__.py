"""What mailgate itself writes: refusals, posts, copies, notices, and their words."""
