"""Whether mail that was answered is kept, and kept once, whatever is killed, fails or loses power."""
