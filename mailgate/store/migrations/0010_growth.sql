-- Indexes for what a delivery looks up, so that its cost does not grow with what was stored before it.
CREATE INDEX domain_by_rank ON domain (is_default DESC, position) WHERE same_as IS NULL;
CREATE INDEX domain_by_contact ON domain (contact) WHERE contact IS NOT NULL;
CREATE INDEX alias_by_detection ON alias (local) WHERE local_part = 1;
CREATE INDEX retired_by_kind ON retired (domain, kind);
DROP INDEX failure_by_follower;
CREATE INDEX failure_by_follower ON failure (follower, state, model, id, permanent);
CREATE INDEX failure_by_kind ON failure (follower, state, model, id, kind);
DROP INDEX message_by_id;
CREATE INDEX message_by_id ON message (message_id, direction DESC);
DROP INDEX effect_by_id;
CREATE INDEX effect_by_id ON effect (message_id, message);
DROP INDEX delivery_by_id;
CREATE INDEX delivery_by_id ON delivery (message_id, message);
DROP INDEX delivery_by_record;
CREATE INDEX delivery_by_record ON delivery (model, id, message);
