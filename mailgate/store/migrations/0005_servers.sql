CREATE TABLE server (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    host TEXT NOT NULL,
    port INTEGER NOT NULL,
    security TEXT NOT NULL,
    verify INTEGER NOT NULL,
    ca TEXT NOT NULL,
    user TEXT NOT NULL,
    secret_kind TEXT NOT NULL,
    secret_source TEXT NOT NULL,
    address TEXT,
    folders TEXT NOT NULL,
    model TEXT,
    assigned TEXT NOT NULL,
    done TEXT NOT NULL,
    failed TEXT NOT NULL,
    most INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    succeeded REAL,
    failing REAL,
    failures INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0,
    paused REAL,
    error TEXT NOT NULL DEFAULT '',
    warning TEXT NOT NULL DEFAULT '',
    holder TEXT,
    held_until REAL NOT NULL DEFAULT 0
);

CREATE TABLE mailbox (
    number INTEGER PRIMARY KEY,
    server INTEGER REFERENCES server (number),
    folder TEXT NOT NULL,
    validity TEXT NOT NULL
);
CREATE UNIQUE INDEX mailbox_by_folder ON mailbox (coalesce(server, 0), folder, validity);

CREATE TABLE collected (
    mailbox INTEGER NOT NULL REFERENCES mailbox (number),
    id TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    error TEXT NOT NULL,
    told INTEGER NOT NULL,
    PRIMARY KEY (mailbox, id)
) WITHOUT ROWID;
