-- One row a call. What lists are made and filtered by has a column of its own; `document` is the whole record.
CREATE TABLE call_records (
    node        TEXT    NOT NULL,
    call_id     TEXT    NOT NULL,
    started     BIGINT  NOT NULL, -- microseconds since 1970, UTC
    ended       BIGINT  NOT NULL,
    number      TEXT,
    flow_id     TEXT,
    version     BIGINT,
    caller      TEXT    NOT NULL,
    agent_id    TEXT,
    end_reason  TEXT    NOT NULL,
    outcome     TEXT,
    document    TEXT    NOT NULL,
    PRIMARY KEY (node, call_id)
);
CREATE INDEX call_records_by_start ON call_records (started DESC, node, call_id);
CREATE INDEX call_records_by_number ON call_records (number, started DESC, node, call_id);
CREATE INDEX call_records_by_flow ON call_records (flow_id, started DESC, node, call_id);
