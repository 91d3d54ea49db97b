-- A forger uses up no limit for somebody else, and what a limit kept from the followers of a record waits.
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
    rate_share TEXT NOT NULL DEFAULT '', -- which mail of that sender: `verified`, or `@` and the domain of its reverse-path
    created_at DOUBLE PRECISION NOT NULL, -- epoch seconds
    closed_at DOUBLE PRECISION, -- epoch seconds; null: it is open
    PRIMARY KEY (model, id)
);
INSERT INTO new_record (model, id, name, values_json, alias, policy, domain, rate_key, created_at, closed_at,
    rate_share)
SELECT model, id, name, values_json, alias, policy, domain, rate_key, created_at, closed_at, coalesce((
    SELECT CASE WHEN instr(flags, '"authenticated"') THEN 'verified' ELSE '@' || coalesce(
        substr(reverse_path, length(rtrim(reverse_path, replace(reverse_path, '@', ''))) + 1), '') END
    FROM placement JOIN message ON message.number = placement.message
    WHERE placement.model = record.model AND placement.id = record.id AND author = rate_key
    ORDER BY placement.number LIMIT 1), '') FROM record ORDER BY rowid;
DROP TABLE record;
ALTER TABLE new_record RENAME TO record;
CREATE INDEX record_by_rate_key ON record (rate_key, created_at);
CREATE INDEX record_by_creation ON record (created_at);
CREATE INDEX record_by_alias ON record (alias, created_at);

CREATE TABLE new_held (
    -- A message that waits for a person, or one that was refused by a reply and is kept.
    message INTEGER PRIMARY KEY REFERENCES message (number), -- number of the message
    reason TEXT NOT NULL, -- why, in one word
    note TEXT NOT NULL, -- of a fault of our own: what it was
    quiet INTEGER NOT NULL CHECK (quiet IN (0, 1)), -- whether nobody is told, and it is dropped after some days
    refused INTEGER NOT NULL CHECK (refused IN (0, 1)), -- whether it was refused by a reply
    withheld INTEGER NOT NULL DEFAULT 0 CHECK (withheld IN (0, 1)),
    -- whether the message is on a record, and only its copies to followers wait
    version TEXT NOT NULL, -- of the program that held it
    held_at DOUBLE PRECISION NOT NULL -- epoch seconds
);
INSERT INTO new_held (message, reason, note, quiet, refused, version, held_at)
SELECT message, reason, note, quiet, refused, version, held_at FROM held;
DROP TABLE held;
ALTER TABLE new_held RENAME TO held;
CREATE INDEX held_by_state ON held (refused, quiet, reason, held_at);
