"""What the commands print: tables, pairs, explanations; nothing of a message reaches the terminal unescaped."""
