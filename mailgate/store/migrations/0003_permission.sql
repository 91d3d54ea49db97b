ALTER TABLE alias ADD COLUMN automatic TEXT NOT NULL DEFAULT 'quiet';
ALTER TABLE alias ADD COLUMN replies TEXT NOT NULL DEFAULT 'everyone';
CREATE INDEX record_by_made ON record (made);
CREATE INDEX record_by_alias ON record (alias, made);

ALTER TABLE follower ADD COLUMN spelled TEXT NOT NULL DEFAULT '';
UPDATE follower SET spelled = address;
