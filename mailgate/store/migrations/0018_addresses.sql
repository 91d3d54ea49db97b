-- Which addresses came and went, so that the mail server's tables are not made anew for each of them.

CREATE TABLE address_change (
    -- An address that came, went or was renamed lately: what the mail server's tables are patched from.
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- order in which they changed
    domain TEXT NOT NULL, -- the domain it is stored in; empty: more than one address may have changed
    local TEXT NOT NULL, -- its local part
    token TEXT NOT NULL -- chosen at random: it tells this store from a restored one
);
