-- Every table but raw (its bytes stay where they are) is built anew: names that say what they hold and in which unit,
-- a comment on each column, CHECKs on fixed words, foreign keys to records. Foreign keys are off while this runs, and
-- what they ask for is checked before COMMIT (mailgate/store/schema.py).

CREATE TABLE new_domain (
    -- A local domain: mail to it is ours. Or another name of one, which shares all that it has.
    name TEXT PRIMARY KEY, -- in lower case, an international one as A-labels (xn--)
    position INTEGER NOT NULL, -- order in which domains were added
    catchall TEXT NOT NULL, -- local part that takes answers of people
    bounce TEXT NOT NULL, -- local part that takes delivery reports
    company TEXT NOT NULL, -- name that we write under, empty for none
    contact TEXT, -- address that refusals name for help
    language TEXT NOT NULL, -- of refusals and notices: en, de
    delimiter TEXT NOT NULL, -- character between a local part and its detail, empty for none
    details INTEGER NOT NULL CHECK (details IN (0, 1)), -- whether our addresses carry a signed detail
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)), -- whether it is meant where no domain is named
    same_as TEXT REFERENCES domain (name), -- the domain that this is another name of
    sender TEXT NOT NULL DEFAULT '', -- local part that we write from where no alias governs, empty: the catchall
    signature TEXT NOT NULL DEFAULT '', -- text that ends our posts
    capture_until DOUBLE PRECISION NOT NULL DEFAULT 0 -- until then what would be refused is held; epoch seconds
);
INSERT INTO new_domain (name, position, catchall, bounce, company, contact, language, delimiter, details, is_default,
    same_as, sender, signature, capture_until)
SELECT name, position, catchall, bounce, company, contact, language, delimiter, details, is_default,
    same_as, sender, signature, capture_until FROM domain;
DROP TABLE domain;
ALTER TABLE new_domain RENAME TO domain;

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
    UNIQUE (local, domain)
);
INSERT INTO new_alias (number, local, domain, model, values_json, policy, record, owner, local_part, authenticated,
    refusal, spam, status, notify, automatic, replies)
SELECT number, local, domain, model, assigned, policy, record, owner, local_part, authenticated,
    refusal, spam, status, notify, automatic, replies FROM alias;
DROP TABLE alias;
ALTER TABLE new_alias RENAME TO alias;

CREATE TABLE new_retired (
    -- A local part that still works though it was renamed, until `mailgate domain forget`.
    domain TEXT NOT NULL REFERENCES domain (name), -- local domain it is in
    local TEXT NOT NULL, -- local part, in lower case
    kind TEXT NOT NULL CHECK (kind IN ('catchall', 'bounce', 'alias')), -- what it was the name of
    alias INTEGER REFERENCES alias (number), -- of kind alias: the one that had this name
    PRIMARY KEY (domain, local)
);
INSERT INTO new_retired (domain, local, kind, alias) SELECT domain, local, kind, alias FROM retired;
DROP TABLE retired;
ALTER TABLE new_retired RENAME TO retired;
CREATE INDEX retired_by_alias ON retired (alias);
CREATE INDEX retired_by_local ON retired (local);

CREATE TABLE new_contact (
    -- A known sender.
    number INTEGER PRIMARY KEY, -- order in which they were added
    address TEXT NOT NULL UNIQUE, -- as it is compared: in lower case, an international domain as A-labels (xn--)
    name TEXT NOT NULL, -- as it is shown
    member INTEGER NOT NULL CHECK (member IN (0, 1)), -- whether the policy "members" lets them write
    archived INTEGER NOT NULL CHECK (archived IN (0, 1)), -- whether they are no longer known
    bounces INTEGER NOT NULL DEFAULT 0 -- failures of mail to them since they last wrote
);
INSERT INTO new_contact (number, address, name, member, archived, bounces)
SELECT number, address, name, member, archived, bounces FROM contact;
DROP TABLE contact;
ALTER TABLE new_contact RENAME TO contact;

CREATE TABLE new_sender (
    -- An address on the allow-list of the loop guard, or on the block list.
    number INTEGER PRIMARY KEY, -- order in which they were added
    address TEXT NOT NULL UNIQUE, -- as in contact
    permission TEXT NOT NULL CHECK (permission IN ('allow', 'block')) -- which list it is on
);
INSERT INTO new_sender (number, address, permission) SELECT number, address, verdict FROM sender;
DROP TABLE sender;
ALTER TABLE new_sender RENAME TO sender;

CREATE TABLE new_parameter (
    -- A parameter of the gateway that has another value than its default.
    key TEXT PRIMARY KEY, -- by the name that Odoo uses
    value TEXT NOT NULL -- as text
);
INSERT INTO new_parameter (key, value) SELECT key, value FROM parameter;
DROP TABLE parameter;
ALTER TABLE new_parameter RENAME TO parameter;

CREATE TABLE new_signing_key (
    -- A key for the tokens in signed addresses: the newest signs, the one before it still counts.
    number INTEGER PRIMARY KEY, -- the highest one signs
    secret BLOB NOT NULL, -- 32 octets
    created_at DOUBLE PRECISION NOT NULL DEFAULT 0 -- epoch seconds; 0: made with a store of schema 7 or older
);
INSERT INTO new_signing_key (number, secret, created_at) SELECT number, secret, made FROM signing_key;
DROP TABLE signing_key;
ALTER TABLE new_signing_key RENAME TO signing_key;

CREATE TABLE new_model (
    -- A kind of records, which are numbered from 1 without gaps.
    name TEXT PRIMARY KEY, -- as in MODEL/ID
    last_id INTEGER NOT NULL -- id of the newest record that was ever made
);
INSERT INTO new_model (name, last_id) SELECT name, last_id FROM model;
DROP TABLE model;
ALTER TABLE new_model RENAME TO model;

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
    PRIMARY KEY (model, id)
);
INSERT INTO new_record (model, id, name, values_json, alias, policy, domain, rate_key, created_at)
SELECT model, id, name, assigned, alias, policy, domain, sender, made FROM record ORDER BY rowid;
DROP TABLE record;
ALTER TABLE new_record RENAME TO record;
CREATE INDEX record_by_rate_key ON record (rate_key, created_at);
CREATE INDEX record_by_creation ON record (created_at);
CREATE INDEX record_by_alias ON record (alias, created_at);

CREATE TABLE new_follower (
    -- An address that gets the mail of a record.
    number INTEGER PRIMARY KEY, -- order in which they came
    model TEXT NOT NULL, -- of the record
    id INTEGER NOT NULL, -- of the record
    address TEXT NOT NULL, -- as it is compared, see contact
    spelled TEXT NOT NULL DEFAULT '', -- as mail is sent to it: local parts keep their case
    UNIQUE (model, id, address),
    FOREIGN KEY (model, id) REFERENCES record (model, id)
);
INSERT INTO new_follower (number, model, id, address, spelled)
SELECT number, model, id, address, spelled FROM follower
WHERE EXISTS (SELECT 1 FROM record WHERE record.model = follower.model AND record.id = follower.id);
DROP TABLE follower;
ALTER TABLE new_follower RENAME TO follower;
CREATE INDEX follower_by_address ON follower (address);

CREATE TABLE new_message (
    -- Every message received or sent, held and refused ones too. Its octets are in raw, its records in placement.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the one that all commands use
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out')), -- received, or written here
    kind TEXT NOT NULL CHECK (kind IN ('email', 'post', 'note')), -- received; sent to people; kept for colleagues
    class TEXT NOT NULL CHECK (class IN ('person', 'automatic', 'list', 'report')), -- who wrote it
    message_id TEXT, -- with angle brackets; null: it has none that can be used
    parent TEXT, -- Message-ID that it answers
    reverse_path TEXT, -- envelope sender; null: the null reverse-path, or not known
    author TEXT, -- address of From, as it is compared; null: unknown
    author_name TEXT NOT NULL, -- display name in From
    author_text TEXT NOT NULL, -- the From field as text
    subject TEXT NOT NULL, -- decoded
    date TEXT NOT NULL, -- the Date field as it was written
    recipients TEXT NOT NULL, -- envelope recipients: a JSON list
    flags TEXT NOT NULL, -- outsider, reused-id, authenticated, forged, bad-detail: a JSON list
    size INTEGER NOT NULL, -- octets
    received_at DOUBLE PRECISION NOT NULL, -- when it came, or was written here; epoch seconds
    explanation TEXT NOT NULL, -- what `mailgate why` shows, JSON; empty for what was written here
    action TEXT NOT NULL DEFAULT ''
        CHECK (action IN ('', 'create', 'post', 'bounce', 'hold', 'refuse', 'ignore', 'defer')),
    -- the most significant of its outcomes, under which it counts
    reason TEXT NOT NULL DEFAULT '' -- of that outcome
);
INSERT INTO new_message (number, direction, kind, class, message_id, parent, reverse_path, author, author_name,
    author_text, subject, date, recipients, flags, size, received_at, explanation, action, reason)
SELECT number, direction, kind, class, message_id, parent, reverse_path, author, author_name,
    author_text, subject, date, recipients, flags, size, received, explanation, verdict, reason FROM message;
DELETE FROM sqlite_sequence WHERE name = 'new_message';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_message', seq FROM sqlite_sequence WHERE name = 'message';
DROP TABLE message;
ALTER TABLE new_message RENAME TO message;
CREATE INDEX message_by_id ON message (message_id);
CREATE INDEX message_by_received ON message (received_at);

CREATE TABLE new_placement (
    -- A message on a record; a message can be on several.
    number INTEGER PRIMARY KEY, -- order in which they came; the first is the record that a message is shown with
    message INTEGER NOT NULL REFERENCES message (number), -- number of the message
    model TEXT NOT NULL, -- of the record
    id INTEGER NOT NULL, -- of the record
    UNIQUE (message, model, id),
    FOREIGN KEY (model, id) REFERENCES record (model, id)
);
INSERT INTO new_placement (number, message, model, id)
SELECT number, message, model, id FROM placement
WHERE EXISTS (SELECT 1 FROM record WHERE record.model = placement.model AND record.id = placement.id);
DROP TABLE placement;
ALTER TABLE new_placement RENAME TO placement;
CREATE INDEX placement_by_record ON placement (model, id);

CREATE TABLE new_mention (
    -- A Message-ID that a message names in References or In-Reply-To, for answers that name the same one.
    message_id TEXT NOT NULL, -- the id that is named
    message INTEGER NOT NULL REFERENCES message (number), -- the message that names it
    PRIMARY KEY (message_id, message)
);
INSERT INTO new_mention (message_id, message) SELECT message_id, message FROM mention;
DROP TABLE mention;
ALTER TABLE new_mention RENAME TO mention;

CREATE TABLE new_effect (
    -- What a message led to, so that a copy of it that comes again is known as one.
    digest TEXT NOT NULL, -- SHA-256 of what stays the same on every way a copy takes
    action TEXT NOT NULL CHECK (action IN ('create', 'post', 'bounce', 'hold', 'refuse', 'ignore', 'defer', 'sent')),
    -- what became of it; sent: another program sent it
    reason TEXT NOT NULL, -- of a refusal, a bounce, of what was ignored; else empty
    place TEXT NOT NULL, -- the address or MODEL/ID that it was for
    message_id TEXT, -- of the message; null: it has none
    listed INTEGER NOT NULL CHECK (listed IN (0, 1)), -- whether it came through a mailing list
    accepted INTEGER NOT NULL CHECK (accepted IN (0, 1)), -- whether a copy of it is a duplicate
    message INTEGER NOT NULL REFERENCES message (number), -- the message that did it
    PRIMARY KEY (digest, action, reason, place)
);
INSERT INTO new_effect (digest, action, reason, place, message_id, listed, accepted, message)
SELECT digest, action,
    CASE WHEN action IN ('create', 'post', 'hold') OR instr(rest, ':') = 0 THEN ''
        ELSE substr(rest, 1, instr(rest, ':') - 1) END,
    CASE WHEN action IN ('create', 'post', 'hold') THEN rest ELSE substr(rest, instr(rest, ':') + 1) END,
    message_id, listed, accepted, message
FROM (
    SELECT CASE WHEN instr(effect, ':') = 0 THEN effect ELSE substr(effect, 1, instr(effect, ':') - 1) END AS action,
        CASE WHEN instr(effect, ':') = 0 THEN '' ELSE substr(effect, instr(effect, ':') + 1) END AS rest,
        effect.*
    FROM effect
);
DROP TABLE effect;
ALTER TABLE new_effect RENAME TO effect;
CREATE INDEX effect_by_id ON effect (message_id);

CREATE TABLE new_held (
    -- A message that waits for a person, or one that was refused by a reply and is kept.
    message INTEGER PRIMARY KEY REFERENCES message (number), -- number of the message
    reason TEXT NOT NULL, -- why, in one word
    note TEXT NOT NULL, -- of a fault of our own: what it was
    quiet INTEGER NOT NULL CHECK (quiet IN (0, 1)), -- whether nobody is told, and it is dropped after some days
    refused INTEGER NOT NULL CHECK (refused IN (0, 1)), -- whether it was refused by a reply
    version TEXT NOT NULL, -- of the program that held it
    held_at DOUBLE PRECISION NOT NULL -- epoch seconds
);
INSERT INTO new_held (message, reason, note, quiet, refused, version, held_at)
SELECT message, reason, note, quiet, refused, version, since FROM held;
DROP TABLE held;
ALTER TABLE new_held RENAME TO held;
CREATE INDEX held_by_state ON held (refused, quiet);

CREATE TABLE new_outbox (
    -- An outgoing message for one recipient: queued, sent or failed.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- as `mailgate outbox` shows it
    kind TEXT NOT NULL CHECK (kind IN ('refusal', 'post', 'copy', 'notice', 'hook')), -- what it is
    reason TEXT NOT NULL, -- why it is sent, in one word
    about TEXT NOT NULL, -- the addresses, record or topics it is about, separated by commas
    recipient TEXT NOT NULL, -- as it was written to us
    person TEXT NOT NULL, -- the recipient as answers to one person are counted
    reverse_path TEXT, -- envelope sender; null: the null reverse-path
    subject TEXT NOT NULL, -- decoded
    octets BLOB NOT NULL, -- the message, or its header alone when body_at is set
    message INTEGER, -- the message it answers, or whose body it has
    body_at INTEGER, -- octet of that message (in raw) from which on it is the body of this one
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')), -- what became of it
    tries INTEGER NOT NULL, -- how often it was handed to a mail server
    due_at DOUBLE PRECISION NOT NULL, -- when it is tried next; epoch seconds
    holder TEXT, -- worker that is sending it
    lease_until DOUBLE PRECISION NOT NULL DEFAULT 0, -- when its claim is void; epoch seconds
    error TEXT NOT NULL, -- what the mail server said the last time
    created_at DOUBLE PRECISION NOT NULL -- epoch seconds
);
INSERT INTO new_outbox (number, kind, reason, about, recipient, person, reverse_path, subject, octets, message, body_at,
    state, tries, due_at, holder, lease_until, error, created_at)
SELECT number, kind, reason, about, recipient, person, reverse_path, subject, octets, message, body_at,
    state, tries, due, lease, CASE WHEN lease IS NULL THEN 0 ELSE due END, error, made FROM outbox;
DELETE FROM sqlite_sequence WHERE name = 'new_outbox';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_outbox', seq FROM sqlite_sequence WHERE name = 'outbox';
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_by_due ON outbox (state, due_at);
CREATE INDEX outbox_by_person ON outbox (person, created_at);
CREATE INDEX outbox_by_creation ON outbox (created_at);

CREATE TABLE new_delivery (
    -- A message that went to a recipient: signed addresses name its number, delivery reports its id.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- the one that signed addresses name
    message INTEGER NOT NULL REFERENCES message (number), -- number of the message
    model TEXT NOT NULL, -- of the record; no foreign key, it may be gone while answers still come
    id INTEGER NOT NULL, -- of the record
    recipient TEXT NOT NULL, -- as it is compared; empty: to several, by another program
    message_id TEXT NOT NULL -- under which it went out
);
INSERT INTO new_delivery (number, message, model, id, recipient, message_id)
SELECT number, message, model, id, recipient, message_id FROM delivery;
DELETE FROM sqlite_sequence WHERE name = 'new_delivery';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_delivery', seq FROM sqlite_sequence WHERE name = 'delivery';
DROP TABLE delivery;
ALTER TABLE new_delivery RENAME TO delivery;
CREATE INDEX delivery_by_id ON delivery (message_id);
CREATE INDEX delivery_by_message ON delivery (message, recipient);
CREATE INDEX delivery_by_record ON delivery (model, id);

CREATE TABLE new_failure (
    -- A message of ours that did not arrive, or that its recipient calls spam: once for a message and a recipient.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- as `mailgate bounce` shows it
    recipient TEXT, -- whom the report names; null: nobody
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
    created_at DOUBLE PRECISION NOT NULL -- epoch seconds
);
INSERT INTO new_failure (number, recipient, message, message_id, model, id, follower, action, status, kind, permanent,
    diagnostic, remote, report, state, created_at)
SELECT number, recipient, message, message_id, model, id, follower, action, status, kind, permanent,
    diagnostic, remote, report, state, made FROM failure;
DELETE FROM sqlite_sequence WHERE name = 'new_failure';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_failure', seq FROM sqlite_sequence WHERE name = 'failure';
DROP TABLE failure;
ALTER TABLE new_failure RENAME TO failure;
CREATE INDEX failure_by_state ON failure (state);
CREATE INDEX failure_by_message ON failure (message);
CREATE INDEX failure_by_id ON failure (message_id);
CREATE INDEX failure_by_follower ON failure (follower);

CREATE TABLE new_notice (
    -- Something that administrators were told by mail, until it no longer waits for them.
    topic TEXT PRIMARY KEY, -- held, failures, outbox, servers or doctor
    created_at DOUBLE PRECISION NOT NULL -- when they were told; epoch seconds
);
INSERT INTO new_notice (topic, created_at) SELECT topic, since FROM notice;
DROP TABLE notice;
ALTER TABLE new_notice RENAME TO notice;

CREATE TABLE new_server (
    -- An incoming server: a mailbox of ours somewhere else. Its secret is never stored here.
    number INTEGER PRIMARY KEY, -- order in which they were added
    name TEXT NOT NULL UNIQUE, -- as commands name it
    type TEXT NOT NULL CHECK (type IN ('imap', 'pop')), -- protocol
    host TEXT NOT NULL, -- name or address
    port INTEGER NOT NULL, -- number of the TCP port
    security TEXT NOT NULL CHECK (security IN ('tls', 'starttls', 'none')), -- how TLS is used
    verify INTEGER NOT NULL CHECK (verify IN (0, 1)), -- whether its certificate has to be valid
    ca TEXT NOT NULL, -- file of certificates to trust, empty: those of the system
    user_name TEXT NOT NULL, -- to log in with
    secret_kind TEXT NOT NULL, -- password-file, password-command, token-command or login
    secret_source TEXT NOT NULL, -- file, command or provider
    client TEXT NOT NULL DEFAULT '', -- of a login: the id under which the provider knows us
    client_secret_file TEXT NOT NULL DEFAULT '',
    -- of a login: the file that holds the secret of that id, empty for none
    scope TEXT NOT NULL DEFAULT '', -- of a login: what the provider calls access to mail
    address TEXT, -- of the mailbox itself, where user_name is none
    folders TEXT NOT NULL, -- a JSON list
    model TEXT, -- of records made of mail that no alias takes
    values_json TEXT NOT NULL, -- their values: a JSON object
    done TEXT NOT NULL, -- what becomes of collected mail: keep, seen, delete or move:FOLDER
    failed TEXT NOT NULL, -- what becomes of mail that cannot be collected: keep or move:FOLDER
    message_limit INTEGER NOT NULL, -- messages in one run
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)), -- whether it is collected from
    succeeded_at DOUBLE PRECISION, -- when a run last reached its end; times here are epoch seconds
    failing_since DOUBLE PRECISION, -- when runs began to fail
    failures INTEGER NOT NULL DEFAULT 0, -- runs that failed since then
    due_at DOUBLE PRECISION NOT NULL DEFAULT 0, -- when a timer tries it next
    paused_at DOUBLE PRECISION, -- when it was given up, until an administrator enables it
    error TEXT NOT NULL DEFAULT '', -- what the last run said
    warning TEXT NOT NULL DEFAULT '', -- what the last run found strange
    holder TEXT, -- process that collects from it
    lease_until DOUBLE PRECISION NOT NULL DEFAULT 0 -- when its claim is void
);
INSERT INTO new_server (number, name, type, host, port, security, verify, ca, user_name, secret_kind, secret_source,
    client, client_secret_file, scope, address, folders, model, values_json, done, failed, message_limit, enabled,
    succeeded_at, failing_since, failures, due_at, paused_at, error, warning, holder, lease_until)
SELECT number, name, type, host, port, security, verify, ca, user, secret_kind, secret_source,
    client, client_secret_file, scope, address, folders, model, assigned, done, failed, most, enabled,
    succeeded, failing, failures, due, paused, error, warning, holder, held_until FROM server;
DROP TABLE server;
ALTER TABLE new_server RENAME TO server;

CREATE TABLE new_mailbox (
    -- A folder of a server in one UIDVALIDITY, or a file or folder of this machine.
    number INTEGER PRIMARY KEY, -- by which collected refers to it
    server INTEGER REFERENCES server (number), -- null: this machine
    folder TEXT NOT NULL, -- its name, or KIND:PATH of a file or folder
    validity TEXT NOT NULL -- UIDVALIDITY, empty where there is none
);
INSERT INTO new_mailbox (number, server, folder, validity) SELECT number, server, folder, validity FROM mailbox;
DROP TABLE mailbox;
ALTER TABLE new_mailbox RENAME TO mailbox;
CREATE UNIQUE INDEX mailbox_by_folder ON mailbox (coalesce(server, 0), folder, validity);

CREATE TABLE new_collected (
    -- A message of a mailbox that was tried, so that none is lost and none taken twice.
    mailbox INTEGER NOT NULL REFERENCES mailbox (number), -- the folder it is in
    id TEXT NOT NULL, -- the name that the server gives it for good: UID, UIDL; of a file its SHA-256
    state TEXT NOT NULL CHECK (state IN ('pending', 'taken', 'failed')), -- pending: tried in vain, and tried again
    attempts INTEGER NOT NULL, -- that failed
    error TEXT NOT NULL, -- what stopped the last attempt
    acknowledged INTEGER NOT NULL CHECK (acknowledged IN (0, 1)), -- whether the server was told, where it has to be
    PRIMARY KEY (mailbox, id)
) WITHOUT ROWID;
INSERT INTO new_collected (mailbox, id, state, attempts, error, acknowledged)
SELECT mailbox, id, state, attempts, error, told FROM collected;
DROP TABLE collected;
ALTER TABLE new_collected RENAME TO collected;

CREATE TABLE new_login (
    -- A login at an OAuth2 provider. The tokens are secrets.
    server INTEGER PRIMARY KEY REFERENCES server (number), -- number of the server
    token_url TEXT NOT NULL, -- where tokens are renewed
    access TEXT NOT NULL, -- access token
    expires_at DOUBLE PRECISION NOT NULL, -- until when it is good; times here are epoch seconds
    refresh TEXT NOT NULL, -- refresh token, empty when none was given
    ends_at DOUBLE PRECISION, -- until when that is good; null: nobody told
    begun_at DOUBLE PRECISION NOT NULL, -- when that time began
    granted_at DOUBLE PRECISION NOT NULL, -- when a person logged in
    refreshed_at DOUBLE PRECISION NOT NULL, -- when new tokens were given the last time
    error TEXT NOT NULL DEFAULT '', -- why it is over, as the provider said it
    holder TEXT, -- process that is renewing it
    lease_until DOUBLE PRECISION NOT NULL DEFAULT 0 -- when its claim is void
);
INSERT INTO new_login (server, token_url, access, expires_at, refresh, ends_at, begun_at, granted_at, refreshed_at,
    error, holder, lease_until)
SELECT server, token_url, access, expires, refresh, ends, begun, granted, refreshed, error, holder, held_until
FROM login;
DROP TABLE login;
ALTER TABLE new_login RENAME TO login;

CREATE VIEW messages AS
    -- Messages with readable times and the first record they are on.
    SELECT message.number, strftime('%Y-%m-%dT%H:%M:%SZ', received_at, 'unixepoch') AS received, direction, action,
        reason, class, author, subject, recipients,
        (SELECT model || '/' || id FROM placement WHERE placement.message = message.number
            ORDER BY placement.number LIMIT 1) AS record,
        message_id, size
    FROM message;

CREATE VIEW open_failures AS
    -- Failures that nobody has acknowledged, with readable times.
    SELECT number, strftime('%Y-%m-%dT%H:%M:%SZ', created_at, 'unixepoch') AS created, recipient, status, kind,
        permanent, model || '/' || id AS record, message, diagnostic
    FROM failure WHERE state = 'open';

CREATE VIEW queue AS
    -- Outgoing messages that are queued or failed, with readable times.
    SELECT number, strftime('%Y-%m-%dT%H:%M:%SZ', created_at, 'unixepoch') AS created,
        strftime('%Y-%m-%dT%H:%M:%SZ', due_at, 'unixepoch') AS due, kind, reason, recipient, subject, state, tries,
        error
    FROM outbox WHERE state != 'sent';
