-- What a sent row became elsewhere (JSON), and how many attempts there were before somebody had it tried anew.
ALTER TABLE outbox ADD COLUMN result TEXT;
ALTER TABLE outbox ADD COLUMN round BIGINT NOT NULL DEFAULT 0;
-- The rows of one call.
CREATE INDEX outbox_by_key ON outbox (key);
