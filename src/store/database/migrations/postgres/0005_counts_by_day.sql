-- Counts are kept by the day (UTC, days since 1970) on which the call came in, so that a period can be looked at. What
-- was counted before is of day 0.
ALTER TABLE step_counts ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE step_counts ALTER COLUMN day DROP DEFAULT;
ALTER TABLE step_counts DROP CONSTRAINT step_counts_pkey;
ALTER TABLE step_counts ADD PRIMARY KEY (flow_id, version, step, day);

ALTER TABLE port_counts ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE port_counts ALTER COLUMN day DROP DEFAULT;
ALTER TABLE port_counts DROP CONSTRAINT port_counts_pkey;
ALTER TABLE port_counts ADD PRIMARY KEY (flow_id, version, step, port, day);
