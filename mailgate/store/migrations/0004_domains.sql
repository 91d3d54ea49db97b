ALTER TABLE domain ADD COLUMN same_as TEXT REFERENCES domain (name);
ALTER TABLE domain ADD COLUMN sender TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN signature TEXT NOT NULL DEFAULT '';
ALTER TABLE domain ADD COLUMN capture_until REAL NOT NULL DEFAULT 0;

ALTER TABLE retired ADD COLUMN alias INTEGER REFERENCES alias (number);
CREATE INDEX retired_by_alias ON retired (alias);
