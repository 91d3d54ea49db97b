-- What administrators change: records that are closed and merged, and a log of their commands.
CREATE TABLE new_record (
    -- What mail is about: a lead, a ticket. Written MODEL/ID.
    model TEXT NOT NULL, -- its kind
    id INTEGER NOT NULL, -- counted from 1 within its model, never used twice
    name TEXT NOT NULL, -- the subject of its first message, where nothing else was given
    values_json TEXT NOT NULL, -- its values: a JSON object
    alias TEXT, -- address of the alias that made it
    policy TEXT, -- once that alias was removed, what still governs: a JSON object, or the alias' policy alone
    domain TEXT, -- local domain that was written to, which we write from
    rate_key TEXT, -- whose new records the loop guard counts together; null: no mail made it, empty: counted no longer
    created_at DOUBLE PRECISION NOT NULL, -- epoch seconds
    closed_at DOUBLE PRECISION, -- epoch seconds; null: it is open
    PRIMARY KEY (model, id)
);
INSERT INTO new_record (model, id, name, values_json, alias, policy, domain, rate_key, created_at)
SELECT model, id, name, values_json, alias, policy, domain, rate_key, created_at FROM record ORDER BY rowid;
DROP TABLE record;
ALTER TABLE new_record RENAME TO record;
CREATE INDEX record_by_rate_key ON record (rate_key, created_at);
CREATE INDEX record_by_creation ON record (created_at);
CREATE INDEX record_by_alias ON record (alias, created_at);

CREATE TABLE new_delivery (
    -- A message that went to a recipient: signed addresses name its number, delivery reports its id.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the one that signed addresses name
    message INTEGER NOT NULL REFERENCES message (number), -- number of the message
    model TEXT NOT NULL, -- of the record; no foreign key, it may be gone while answers still come
    id INTEGER NOT NULL, -- of the record
    recipient TEXT NOT NULL, -- as it is compared; empty: to several, by another program
    message_id TEXT NOT NULL, -- under which it went out
    revoked INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
    -- whether its recipient was unfollowed, revoked or blocked since, so that the signed address gives no rights
    signed_for TEXT -- MODEL/ID that its signed addresses were made for, if it was on another record then
);
INSERT INTO new_delivery (number, message, model, id, recipient, message_id, revoked)
SELECT number, message, model, id, recipient, message_id, revoked FROM delivery;
DELETE FROM sqlite_sequence WHERE name = 'new_delivery';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_delivery', seq FROM sqlite_sequence WHERE name = 'delivery';
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;
CREATE INDEX delivery_by_id ON delivery (message_id, message);
CREATE INDEX delivery_by_message ON delivery (message, recipient);
CREATE INDEX delivery_by_record ON delivery (model, id, message);
CREATE INDEX delivery_by_recipient ON delivery (recipient);

CREATE TABLE merged (
    -- A record that became part of another one, and where what it had is now.
    model TEXT NOT NULL, -- of the record that is gone
    id INTEGER NOT NULL, -- of the record that is gone
    into_model TEXT NOT NULL, -- of the record that has its messages
    into_id INTEGER NOT NULL, -- of the record that has its messages
    PRIMARY KEY (model, id),
    FOREIGN KEY (into_model, into_id) REFERENCES record (model, id)
);

CREATE INDEX merged_by_record ON merged (into_model, into_id);

CREATE TABLE change (
    -- A command that changed the store, so that people find out who did what.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- order in which they were made
    changed_at DOUBLE PRECISION NOT NULL, -- epoch seconds
    person TEXT NOT NULL, -- login name of who ran it
    command TEXT NOT NULL -- as it can be pasted into a shell, without `mailgate`
);
