-- Failures say whom the report named and whether they are quiet; a delivery says whether its signed address still gives
-- the rights of its recipient. Both tables are built anew, so that each column keeps its comment.

DROP VIEW open_failures;

CREATE TABLE new_failure (
    -- A message of ours that did not arrive, or that its recipient calls spam: once for a message and a recipient.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- as `mailgate bounce` shows it
    recipient TEXT, -- whom we wrote to, or else whom the report names; null: nobody
    name TEXT, -- whom the report names where that is another, as a forwarder's does; null: nobody else
    message INTEGER REFERENCES message (number), -- the message that failed; null: not known
    message_id TEXT, -- Message-ID that the report names
    model TEXT, -- of the record; no foreign key, it may be gone
    id INTEGER, -- of the record
    follower TEXT, -- address whose mail stops; null: nothing proves the report
    action TEXT NOT NULL, -- failed, or complaint
    status TEXT NOT NULL, -- enhanced status code (RFC 3463), empty when none was told
    kind TEXT NOT NULL, -- why, in one word
    permanent INTEGER NOT NULL CHECK (permanent IN (0, 1)), -- whether it failed for good
    diagnostic TEXT NOT NULL, -- what the other server said
    remote TEXT NOT NULL, -- its name
    report INTEGER NOT NULL REFERENCES message (number), -- the message that said so
    state TEXT NOT NULL CHECK (state IN ('open', 'acked')), -- acked: an administrator has dealt with it
    quiet INTEGER NOT NULL DEFAULT 0 CHECK (quiet IN (0, 1)), -- whether nothing ties it to a message that went there
    created_at DOUBLE PRECISION NOT NULL -- epoch seconds
);
INSERT INTO new_failure (number, recipient, message, message_id, model, id, follower, action, status, kind, permanent,
    diagnostic, remote, report, state, created_at)
SELECT number, recipient, message, message_id, model, id, follower, action, status, kind, permanent,
    diagnostic, remote, report, state, created_at FROM failure;
DELETE FROM sqlite_sequence WHERE name = 'new_failure';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_failure', seq FROM sqlite_sequence WHERE name = 'failure';
DROP TABLE failure;
ALTER TABLE new_failure RENAME TO failure;
CREATE INDEX failure_by_state ON failure (state);
CREATE INDEX failure_by_message ON failure (message);
CREATE INDEX failure_by_id ON failure (message_id);
CREATE INDEX failure_by_follower ON failure (follower);

CREATE VIEW open_failures AS
    -- Failures that nobody has acknowledged and that are not quiet, with readable times.
    SELECT number, strftime('%Y-%m-%dT%H:%M:%SZ', created_at, 'unixepoch') AS created, recipient, status, kind,
        permanent, model || '/' || id AS record, message, diagnostic
    FROM failure WHERE state = 'open' AND quiet = 0;

CREATE TABLE new_delivery (
    -- A message that went to a recipient: signed addresses name its number, delivery reports its id.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the one that signed addresses name
    message INTEGER NOT NULL REFERENCES message (number), -- number of the message
    model TEXT NOT NULL, -- of the record; no foreign key, it may be gone while answers still come
    id INTEGER NOT NULL, -- of the record
    recipient TEXT NOT NULL, -- as it is compared; empty: to several, by another program
    message_id TEXT NOT NULL, -- under which it went out
    revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1))
    -- whether its recipient was unfollowed, revoked or blocked since, so that the signed address gives no rights
);
INSERT INTO new_delivery (number, message, model, id, recipient, message_id, revoked)
SELECT number, message, model, id, recipient, message_id,
    CASE WHEN recipient IN (SELECT address FROM sender WHERE permission = 'block') THEN 1 ELSE 0 END FROM delivery;
DELETE FROM sqlite_sequence WHERE name = 'new_delivery';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_delivery', seq FROM sqlite_sequence WHERE name = 'delivery';
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;
CREATE INDEX delivery_by_id ON delivery (message_id);
CREATE INDEX delivery_by_message ON delivery (message, recipient);
CREATE INDEX delivery_by_record ON delivery (model, id);
CREATE INDEX delivery_by_recipient ON delivery (recipient);
