-- An alias names the lists that feed it, and says what becomes of answers to invitations. The table is built anew, so
-- that each column keeps its comment.
CREATE TABLE new_alias (
    -- An address that makes records, or posts on one.
    number INTEGER PRIMARY KEY, -- by which retired names and outcomes refer to it
    local TEXT NOT NULL, -- local part, in lower case
    domain TEXT NOT NULL REFERENCES domain (name), -- local domain it is in
    model TEXT NOT NULL, -- model of the records it makes
    values_json TEXT NOT NULL, -- values of the records it makes: a JSON object
    policy TEXT NOT NULL CHECK (policy IN ('everyone', 'contacts', 'followers', 'members')), -- who may write to it
    record TEXT, -- MODEL/ID of the record that all its mail is posted on
    owner TEXT, -- MODEL/ID of the record whose followers the policy "followers" means
    local_part INTEGER NOT NULL CHECK (local_part IN (0, 1)), -- whether its local part counts in every domain
    authenticated INTEGER NOT NULL CHECK (authenticated IN (0, 1)), -- whether the author has to be proved
    refusal TEXT NOT NULL, -- text of its own for refusals
    spam TEXT NOT NULL CHECK (spam IN ('hold', 'quiet')), -- what becomes of spam
    status TEXT NOT NULL CHECK (status IN ('not-tested', 'valid', 'invalid')), -- whether it worked the last time
    notify TEXT NOT NULL, -- addresses that follow every record it makes: a JSON list
    automatic TEXT NOT NULL DEFAULT 'quiet' CHECK (automatic IN ('quiet', 'normal', 'hold', 'refuse')),
    -- what becomes of machines' mail
    replies TEXT NOT NULL DEFAULT 'everyone' CHECK (replies IN ('everyone', 'participants')),
    -- whose answers are taken
    lists TEXT NOT NULL DEFAULT '[]', -- posting addresses of the lists that feed it: a JSON list
    calendar TEXT NOT NULL DEFAULT 'quiet' CHECK (calendar IN ('quiet', 'record')),
    -- what becomes of answers to invitations that answer nothing here
    UNIQUE (local, domain)
);
INSERT INTO new_alias (number, local, domain, model, values_json, policy, record, owner, local_part, authenticated,
    refusal, spam, status, notify, automatic, replies)
SELECT number, local, domain, model, values_json, policy, record, owner, local_part, authenticated,
    refusal, spam, status, notify, automatic, replies FROM alias;
DROP TABLE alias;
ALTER TABLE new_alias RENAME TO alias;
CREATE INDEX alias_by_detection ON alias (local) WHERE local_part = 1;
