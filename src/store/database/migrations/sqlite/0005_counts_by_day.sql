-- Counts are kept by the day (UTC, days since 1970) on which the call came in, so that a period can be looked at. What
-- was counted before is of day 0. SQLite cannot change a primary key: the tables are made anew. The column comes first, so
-- that a server which comes second at the same time finds it there and stops, as with each other migration.
ALTER TABLE step_counts ADD COLUMN day BIGINT NOT NULL DEFAULT 0;
CREATE TABLE step_counts_by_day (
    flow_id     TEXT    NOT NULL,
    version     BIGINT  NOT NULL, -- 0 where a flow has none
    step        TEXT    NOT NULL,
    day         BIGINT  NOT NULL,
    entered     BIGINT  NOT NULL,
    hung_up     BIGINT  NOT NULL, -- the caller gave up in it
    answered    BIGINT  NOT NULL, -- the call ended in it after a conversation
    spent       BIGINT  NOT NULL, -- milliseconds
    PRIMARY KEY (flow_id, version, step, day)
);
INSERT INTO step_counts_by_day
    SELECT flow_id, version, step, day, entered, hung_up, answered, spent FROM step_counts;
DROP TABLE step_counts;
ALTER TABLE step_counts_by_day RENAME TO step_counts;

CREATE TABLE port_counts_by_day (
    flow_id     TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    step        TEXT    NOT NULL,
    port        TEXT    NOT NULL,
    day         BIGINT  NOT NULL,
    passed      BIGINT  NOT NULL, -- visits that left the step by it
    PRIMARY KEY (flow_id, version, step, port, day)
);
INSERT INTO port_counts_by_day SELECT flow_id, version, step, port, 0, passed FROM port_counts;
DROP TABLE port_counts;
ALTER TABLE port_counts_by_day RENAME TO port_counts;
