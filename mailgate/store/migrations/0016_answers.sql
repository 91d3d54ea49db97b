-- Where people want answers, beside who they are: of messages, of followers, as aliases want it.
CREATE TABLE answer (
    -- Where the author of a message is answered, if not at the address in From, or nowhere.
    message INTEGER PRIMARY KEY REFERENCES message (number), -- number of the message
    addresses TEXT NOT NULL -- as mail is sent to them, the answer address first: a JSON list
);

CREATE TABLE new_follower (
    -- An address that gets the mail of a record.
    number INTEGER PRIMARY KEY, -- order in which they came
    model TEXT NOT NULL, -- of the record
    id INTEGER NOT NULL, -- of the record
    address TEXT NOT NULL, -- where they are answered, as it is compared, see contact
    spelled TEXT NOT NULL DEFAULT '', -- as mail is sent to it: local parts keep their case
    author TEXT, -- address that they write from, as it is compared; null: not known
    name TEXT NOT NULL DEFAULT '', -- display name in the mail that made them follow
    UNIQUE (model, id, address),
    FOREIGN KEY (model, id) REFERENCES record (model, id)
);
INSERT INTO new_follower (number, model, id, address, spelled, author)
SELECT number, model, id, address, spelled, address FROM follower;
DROP TABLE follower;
ALTER TABLE new_follower RENAME TO follower;
CREATE INDEX follower_by_address ON follower (address);
CREATE INDEX follower_by_author ON follower (author, model, id);

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
    reply_to TEXT NOT NULL DEFAULT 'trust' CHECK (reply_to IN ('trust', 'ignore')),
    -- what Reply-To says about the address for answers
    cc TEXT NOT NULL DEFAULT 'ignore' CHECK (cc IN ('ignore', 'follow')), -- what people in Cc do
    requester TEXT NOT NULL DEFAULT 'author' CHECK (requester IN ('author', 'to')), -- for whom a member writes
    UNIQUE (local, domain)
);
INSERT INTO new_alias (number, local, domain, model, values_json, policy, record, owner, local_part, authenticated,
    refusal, spam, status, notify, automatic, replies, lists, calendar)
SELECT number, local, domain, model, values_json, policy, record, owner, local_part, authenticated,
    refusal, spam, status, notify, automatic, replies, lists, calendar FROM alias;
DROP TABLE alias;
ALTER TABLE new_alias RENAME TO alias;
CREATE INDEX alias_by_detection ON alias (local) WHERE local_part = 1;
