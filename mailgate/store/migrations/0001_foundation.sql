CREATE TABLE domain (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    catchall TEXT NOT NULL,
    bounce TEXT NOT NULL,
    company TEXT NOT NULL,
    contact TEXT,
    language TEXT NOT NULL,
    delimiter TEXT NOT NULL,
    details INTEGER NOT NULL,
    is_default INTEGER NOT NULL
);

CREATE TABLE retired (
    domain TEXT NOT NULL REFERENCES domain (name),
    local TEXT NOT NULL,
    kind TEXT NOT NULL,
    PRIMARY KEY (domain, local)
);

CREATE TABLE alias (
    number INTEGER PRIMARY KEY,
    local TEXT NOT NULL,
    domain TEXT NOT NULL REFERENCES domain (name),
    model TEXT NOT NULL,
    assigned TEXT NOT NULL,
    policy TEXT NOT NULL,
    record TEXT,
    owner TEXT,
    local_part INTEGER NOT NULL,
    authenticated INTEGER NOT NULL,
    refusal TEXT NOT NULL,
    spam TEXT NOT NULL,
    status TEXT NOT NULL,
    notify TEXT NOT NULL,
    UNIQUE (local, domain)
);

CREATE TABLE contact (
    number INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    member INTEGER NOT NULL,
    archived INTEGER NOT NULL
);

CREATE TABLE sender (
    number INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    verdict TEXT NOT NULL
);

CREATE TABLE parameter (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE signing_key (
    number INTEGER PRIMARY KEY,
    secret BLOB NOT NULL
);

CREATE TABLE model (
    name TEXT PRIMARY KEY,
    last_id INTEGER NOT NULL
);

CREATE TABLE record (
    model TEXT NOT NULL,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    assigned TEXT NOT NULL,
    alias TEXT,
    policy TEXT,
    domain TEXT,
    sender TEXT,
    made REAL NOT NULL,
    PRIMARY KEY (model, id)
);
CREATE INDEX record_by_sender ON record (sender, made);

CREATE TABLE follower (
    number INTEGER PRIMARY KEY,
    model TEXT NOT NULL,
    id INTEGER NOT NULL,
    address TEXT NOT NULL,
    UNIQUE (model, id, address)
);
CREATE INDEX follower_by_address ON follower (address);

CREATE TABLE message (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    direction TEXT NOT NULL,
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    message_id TEXT,
    parent TEXT,
    reverse_path TEXT,
    author TEXT,
    author_name TEXT NOT NULL,
    author_text TEXT NOT NULL,
    subject TEXT NOT NULL,
    date TEXT NOT NULL,
    recipients TEXT NOT NULL,
    flags TEXT NOT NULL,
    size INTEGER NOT NULL,
    received REAL NOT NULL,
    explanation TEXT NOT NULL
);
CREATE INDEX message_by_id ON message (message_id);

CREATE TABLE raw (
    -- The octets of a message, exactly as they came; in a table of their own, so that lists do not read them.
    message INTEGER PRIMARY KEY REFERENCES message (number), -- number of the message
    octets BLOB NOT NULL -- of mail that was collected in part: that part
);

CREATE TABLE placement (
    number INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message (number),
    model TEXT NOT NULL,
    id INTEGER NOT NULL,
    UNIQUE (message, model, id)
);
CREATE INDEX placement_by_record ON placement (model, id);

CREATE TABLE mention (
    message_id TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES message (number),
    PRIMARY KEY (message_id, message)
);

CREATE TABLE effect (
    digest TEXT NOT NULL,
    effect TEXT NOT NULL,
    message_id TEXT,
    listed INTEGER NOT NULL,
    accepted INTEGER NOT NULL,
    message INTEGER NOT NULL REFERENCES message (number),
    PRIMARY KEY (digest, effect)
);
CREATE INDEX effect_by_id ON effect (message_id);

CREATE TABLE held (
    message INTEGER PRIMARY KEY REFERENCES message (number),
    reason TEXT NOT NULL,
    note TEXT NOT NULL,
    quiet INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    version TEXT NOT NULL,
    since REAL NOT NULL
);
CREATE INDEX held_by_state ON held (refused, quiet);

CREATE TABLE outbox (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    about TEXT NOT NULL,
    recipient TEXT NOT NULL,
    person TEXT NOT NULL,
    reverse_path TEXT,
    subject TEXT NOT NULL,
    octets BLOB NOT NULL,
    message INTEGER,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due REAL NOT NULL,
    lease TEXT,
    error TEXT NOT NULL,
    made REAL NOT NULL
);
CREATE INDEX outbox_by_due ON outbox (state, due);
CREATE INDEX outbox_by_person ON outbox (person, made);
CREATE INDEX outbox_by_made ON outbox (made);
