"""One process that stays: protocols talk in one thread, and the main thread decides and commits for all of them."""
