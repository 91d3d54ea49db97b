ALTER TABLE server ADD COLUMN client TEXT NOT NULL DEFAULT '';
ALTER TABLE server ADD COLUMN client_secret_file TEXT NOT NULL DEFAULT '';
ALTER TABLE server ADD COLUMN scope TEXT NOT NULL DEFAULT '';

CREATE TABLE login (
    server INTEGER PRIMARY KEY REFERENCES server (number),
    token_url TEXT NOT NULL,
    access TEXT NOT NULL,
    expires REAL NOT NULL,
    refresh TEXT NOT NULL,
    ends REAL,
    begun REAL NOT NULL,
    granted REAL NOT NULL,
    refreshed REAL NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    holder TEXT,
    held_until REAL NOT NULL DEFAULT 0
);
