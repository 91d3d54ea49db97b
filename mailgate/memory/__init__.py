"""From rows to what one message needs, and from its decision back to rows."""
