-- What is deleted by rule or by hand, in small steps, and the indexes that find what belongs to a message.
CREATE TABLE purged (
    -- A message of which bytes were deleted; its ids stay, so that answers, reports and copies of it are known.
    message INTEGER PRIMARY KEY REFERENCES message (number), -- number of the message
    part TEXT NOT NULL CHECK (part IN ('raw', 'all')), -- its bytes alone, or all that a person can read
    purged_at DOUBLE PRECISION NOT NULL -- epoch seconds
);

CREATE TABLE purge (
    -- Something to delete, which is done in steps: after a kill, `mailgate work` goes on with it.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- order in which they were asked for
    kind TEXT NOT NULL CHECK (kind IN ('messages', 'raw', 'log', 'person')), -- what is deleted
    by_rule INTEGER NOT NULL CHECK (by_rule IN (0, 1)), -- whether [retention] asks for it
    before_at DOUBLE PRECISION NOT NULL, -- what came before; epoch seconds
    model TEXT, -- only messages on records of it; null: all
    address TEXT, -- of the person, until it is done; null: of nobody
    position INTEGER NOT NULL, -- number of the last message that was looked at
    messages INTEGER NOT NULL, -- how many were deleted so far
    octets INTEGER NOT NULL, -- how many octets they had
    asked_at DOUBLE PRECISION NOT NULL, -- epoch seconds
    done_at DOUBLE PRECISION -- epoch seconds; null: not yet
);

CREATE INDEX purge_by_state ON purge (done_at, kind);
CREATE INDEX outbox_by_message ON outbox (message);
CREATE INDEX failure_by_report ON failure (report);
CREATE INDEX mention_by_message ON mention (message);
CREATE INDEX effect_by_message ON effect (message);
