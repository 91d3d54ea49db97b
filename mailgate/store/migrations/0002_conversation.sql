CREATE TABLE delivery (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    message INTEGER NOT NULL REFERENCES message (number),
    model TEXT NOT NULL,
    id INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    message_id TEXT NOT NULL
);
CREATE INDEX delivery_by_id ON delivery (message_id);
CREATE INDEX delivery_by_message ON delivery (message, recipient);
CREATE INDEX delivery_by_record ON delivery (model, id);

CREATE TABLE failure (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient TEXT,
    message INTEGER REFERENCES message (number),
    message_id TEXT,
    model TEXT,
    id INTEGER,
    follower TEXT,
    action TEXT NOT NULL,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    permanent INTEGER NOT NULL,
    diagnostic TEXT NOT NULL,
    remote TEXT NOT NULL,
    report INTEGER NOT NULL REFERENCES message (number),
    state TEXT NOT NULL,
    made REAL NOT NULL
);
CREATE INDEX failure_by_state ON failure (state);
CREATE INDEX failure_by_message ON failure (message);
CREATE INDEX failure_by_id ON failure (message_id);
CREATE INDEX failure_by_follower ON failure (follower);

ALTER TABLE contact ADD COLUMN bounces INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN body_at INTEGER;
ALTER TABLE signing_key ADD COLUMN made REAL NOT NULL DEFAULT 0;
