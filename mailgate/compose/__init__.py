"""What mailgate writes: refusals, posts, copies, notices, and their templates."""
