-- One row a call. What lists are made and filtered by has a column of its own; `document` is the whole record.
CREATE TABLE call_records (
    node        TEXT    NOT NULL, -- the server that had the call
    call_id     TEXT    NOT NULL,
    call_key    TEXT    NOT NULL,
    sip_call_id TEXT    NOT NULL,
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
-- Lists go backwards from the latest call. The columns after the key are looked at in the index: a row is read only
-- where it is shown.
CREATE INDEX call_records_by_start ON call_records (started, node, call_id, caller);
CREATE INDEX call_records_by_number ON call_records (number, started, node, call_id, flow_id, outcome, agent_id, caller)
    WHERE number IS NOT NULL;
CREATE INDEX call_records_by_flow ON call_records (flow_id, started, node, call_id, outcome, agent_id, caller)
    WHERE flow_id IS NOT NULL;
CREATE INDEX call_records_by_outcome ON call_records (outcome, started, node, call_id) WHERE outcome IS NOT NULL;
CREATE INDEX call_records_by_agent ON call_records (agent_id, started, node, call_id, outcome)
    WHERE agent_id IS NOT NULL;
CREATE INDEX call_records_by_caller ON call_records (caller);
CREATE INDEX call_records_by_call_id ON call_records (call_id);
CREATE INDEX call_records_by_call_key ON call_records (call_key);
CREATE INDEX call_records_by_sip_call_id ON call_records (sip_call_id);

-- What the calls of one version did, step by step. A visit is counted each time a call enters the step.
CREATE TABLE step_counts (
    flow_id     TEXT    NOT NULL,
    version     BIGINT  NOT NULL, -- 0 where a flow has none
    step        TEXT    NOT NULL,
    entered     BIGINT  NOT NULL,
    hung_up     BIGINT  NOT NULL, -- the caller gave up in it
    answered    BIGINT  NOT NULL, -- the call ended in it after a conversation
    spent       BIGINT  NOT NULL, -- milliseconds
    PRIMARY KEY (flow_id, version, step)
);
CREATE TABLE port_counts (
    flow_id     TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    step        TEXT    NOT NULL,
    port        TEXT    NOT NULL,
    passed      BIGINT  NOT NULL, -- visits that left the step by it
    PRIMARY KEY (flow_id, version, step, port)
);

-- What is to be told to others, once: written in the same transaction as what it tells of.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL,
    key         TEXT    NOT NULL, -- of what it tells: node/call_id
    payload     TEXT    NOT NULL,
    created     BIGINT  NOT NULL, -- microseconds since 1970, UTC
    due         BIGINT  NOT NULL, -- when it may be tried next; while it is tried: when that has taken too long
    attempts    BIGINT  NOT NULL,
    state       TEXT    NOT NULL, -- waiting, claimed, done, dead
    last_error  TEXT,
    UNIQUE (kind, key)
);
CREATE INDEX outbox_by_due ON outbox (due, id) WHERE state IN ('waiting', 'claimed');
