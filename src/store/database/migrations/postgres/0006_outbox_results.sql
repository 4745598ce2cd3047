-- What a sent row became elsewhere (JSON); how many attempts failed, and how many there were before somebody had it tried anew.
ALTER TABLE outbox ADD COLUMN result TEXT;
ALTER TABLE outbox ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
UPDATE outbox SET failures = attempts;
ALTER TABLE outbox ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
-- The rows of one call.
CREATE INDEX outbox_by_key ON outbox (key);
