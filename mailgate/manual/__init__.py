"""The manual: a page a topic, the subset of Markdown that they use, and what a terminal and man make of it."""
