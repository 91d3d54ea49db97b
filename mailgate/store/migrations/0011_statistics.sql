-- An index from which the mail received is counted by its outcome, without reading the messages.
CREATE INDEX message_by_outcome ON message (direction, action, reason);
