"""What has no context: addresses, statuses, tokens, text in any charset, names."""
