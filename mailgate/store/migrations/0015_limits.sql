-- Answers are counted by domain too; and the database knows the fixed words that these columns may have.
-- The tables are built anew, so that each column keeps its comment.

CREATE TABLE new_outbox (
    -- An outgoing message for one recipient: queued, sent or failed.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- as `mailgate outbox` shows it
    kind TEXT NOT NULL CHECK (kind IN ('refusal', 'post', 'copy', 'notice', 'hook')), -- what it is
    reason TEXT NOT NULL, -- why it is sent, in one word
    about TEXT NOT NULL, -- the addresses, record or topics it is about, separated by commas
    recipient TEXT NOT NULL, -- as it was written to us
    person TEXT NOT NULL, -- the recipient as answers to one mailbox are counted
    host TEXT NOT NULL, -- the domain of the recipient, as answers to one domain are counted
    reverse_path TEXT, -- envelope sender; null: the null reverse-path
    subject TEXT NOT NULL, -- decoded
    octets BLOB NOT NULL, -- the message, or its header alone when body_at is set
    message INTEGER REFERENCES message (number), -- the message it answers, or whose body it has
    body_at INTEGER, -- octet of that message (in raw) from which on it is the body of this one
    state TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed')), -- what became of it
    tries INTEGER NOT NULL, -- how often it was handed to a mail server
    due_at DOUBLE PRECISION NOT NULL, -- when it is tried next; epoch seconds
    holder TEXT, -- worker that is sending it
    lease_until DOUBLE PRECISION NOT NULL DEFAULT 0, -- when its claim is void; epoch seconds
    error TEXT NOT NULL, -- what the mail server said the last time
    created_at DOUBLE PRECISION NOT NULL -- epoch seconds
);

INSERT INTO new_outbox (number, kind, reason, about, recipient, person, reverse_path, subject, octets, message,
    body_at, state, tries, due_at, holder, lease_until, error, created_at, host)
SELECT number, kind, reason, about, recipient, person, reverse_path, subject, octets, CASE WHEN message IN (SELECT
    number FROM message) THEN message END, body_at, state, tries, due_at, holder, lease_until, error, created_at,
    substr(person, length(rtrim(person, replace(person, '@', ''))) + 1) FROM outbox;

DELETE FROM sqlite_sequence WHERE name = 'new_outbox';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_outbox', seq FROM sqlite_sequence WHERE name = 'outbox';
DROP VIEW queue;
DROP TABLE outbox;
ALTER TABLE new_outbox RENAME TO outbox;
CREATE INDEX outbox_by_due ON outbox (state, due_at);
CREATE INDEX outbox_by_person ON outbox (person, created_at);
CREATE INDEX outbox_by_host ON outbox (host, created_at);
CREATE INDEX outbox_by_creation ON outbox (created_at);
CREATE INDEX outbox_by_message ON outbox (message);

CREATE VIEW queue AS
    -- Outgoing messages that are queued or failed, with readable times.
    SELECT number, strftime('%Y-%m-%dT%H:%M:%SZ', created_at, 'unixepoch') AS created,
        strftime('%Y-%m-%dT%H:%M:%SZ', due_at, 'unixepoch') AS due, kind, reason, recipient, subject, state, tries,
        error
    FROM outbox WHERE state != 'sent';

DROP VIEW open_failures;

CREATE TABLE new_failure (
    -- A message of ours that did not arrive, or that its recipient calls spam: once for a message and a recipient.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- as `mailgate bounce` shows it
    recipient TEXT, -- whom we wrote to, or else whom the report names; null: nobody
    name TEXT, -- whom the report names where that is another, as a forwarder's does; null: nobody else
    message INTEGER REFERENCES message (number), -- the message that failed; null: not known
    message_id TEXT, -- Message-ID that the report names
    model TEXT, -- of the record; no foreign key, it may be gone
    id INTEGER, -- of the record
    follower TEXT, -- address whose mail stops; null: nothing proves the report
    action TEXT NOT NULL CHECK (action IN ('failed', 'complaint')), -- what was reported
    status TEXT NOT NULL, -- enhanced status code (RFC 3463), empty when none was told
    kind TEXT NOT NULL, -- why, in one word
    permanent INTEGER NOT NULL CHECK (permanent IN (0, 1)), -- whether it failed for good
    diagnostic TEXT NOT NULL, -- what the other server said
    remote TEXT NOT NULL, -- its name
    report INTEGER NOT NULL REFERENCES message (number), -- the message that said so
    state TEXT NOT NULL CHECK (state IN ('open', 'acked')), -- acked: an administrator has dealt with it
    quiet INTEGER NOT NULL DEFAULT 0 CHECK (quiet IN (0, 1)), -- whether nothing ties it to a message that went there
    created_at DOUBLE PRECISION NOT NULL -- epoch seconds
);

INSERT INTO new_failure (number, recipient, name, message, message_id, model, id, follower, action, status, kind,
    permanent, diagnostic, remote, report, state, quiet, created_at)
SELECT number, recipient, name, message, message_id, model, id, follower, action, status, kind, permanent, diagnostic,
    remote, report, state, quiet, created_at FROM failure;

DELETE FROM sqlite_sequence WHERE name = 'new_failure';
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_failure', seq FROM sqlite_sequence WHERE name = 'failure';
DROP TABLE failure;
ALTER TABLE new_failure RENAME TO failure;
CREATE INDEX failure_by_state ON failure (state);
CREATE INDEX failure_by_message ON failure (message);
CREATE INDEX failure_by_id ON failure (message_id);
CREATE INDEX failure_by_report ON failure (report);
CREATE INDEX failure_by_follower ON failure (follower, state, model, id, permanent);
CREATE INDEX failure_by_kind ON failure (follower, state, model, id, kind);

CREATE VIEW open_failures AS
    -- Failures that nobody has acknowledged and that are not quiet, with readable times.
    SELECT number, strftime('%Y-%m-%dT%H:%M:%SZ', created_at, 'unixepoch') AS created, recipient, status, kind,
        permanent, model || '/' || id AS record, message, diagnostic
    FROM failure WHERE state = 'open' AND quiet = 0;

CREATE TABLE new_notice (
    -- Something that administrators were told by mail, until it no longer waits for them.
    topic TEXT PRIMARY KEY CHECK (topic IN ('held', 'failures', 'outbox', 'servers', 'doctor')), -- what waited
    created_at DOUBLE PRECISION NOT NULL -- when they were told; epoch seconds
);
INSERT INTO new_notice (topic, created_at) SELECT topic, created_at FROM notice
WHERE topic IN ('held', 'failures', 'outbox', 'servers', 'doctor');
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
    secret_kind TEXT NOT NULL
        CHECK (secret_kind IN ('password-file', 'password-command', 'token-command', 'login')),
    -- where its secret comes from
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
SELECT number, name, type, host, port, security, verify, ca, user_name, secret_kind, secret_source, client,
    client_secret_file, scope, address, folders, model, values_json, done, failed, message_limit, enabled,
    succeeded_at, failing_since, failures, due_at, paused_at, error, warning, holder, lease_until FROM server;
DROP TABLE server;
ALTER TABLE new_server RENAME TO server;
