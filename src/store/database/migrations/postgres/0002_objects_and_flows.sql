-- Every change of what calls read counts the revision up, in its own transaction: servers look at it and load anew.
CREATE TABLE changes (
    id          BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    revision    BIGINT  NOT NULL,
    seeded      BIGINT  NOT NULL -- 1 once the store was filled for the first time
);
INSERT INTO changes (id, revision, seeded) VALUES (1, 0, 0);

-- Who changed what. `before` and `after` are etags or digests; no secret stands here.
CREATE TABLE audit (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          BIGINT  NOT NULL, -- microseconds since 1970, UTC
    actor       TEXT    NOT NULL,
    action      TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    object      TEXT    NOT NULL,
    before_tag  TEXT,
    after_tag   TEXT,
    detail      TEXT    NOT NULL
);
CREATE INDEX audit_by_object ON audit (kind, object, id);

-- Numbers, agents, trunks, lists, schedules, simulations and the one account: checked JSON documents.
CREATE TABLE objects (
    kind        TEXT    NOT NULL,
    id          TEXT COLLATE "C" NOT NULL,
    name        TEXT    NOT NULL,
    search      TEXT    NOT NULL, -- id and name in small letters
    etag        TEXT    NOT NULL,
    document    TEXT    NOT NULL,
    place       BIGINT  NOT NULL, -- the order in which they were made
    updated     BIGINT  NOT NULL,
    PRIMARY KEY (kind, id)
);

-- What points to what. Of a flow the versions that calls may get: `version` is 0 for other objects.
CREATE TABLE links (
    from_kind   TEXT    NOT NULL,
    from_id     TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    to_kind     TEXT    NOT NULL,
    to_id       TEXT    NOT NULL,
    PRIMARY KEY (from_kind, from_id, version, to_kind, to_id)
);
CREATE INDEX links_by_target ON links (to_kind, to_id);

-- A flow: its draft, and which of its versions calls get.
CREATE TABLE flows (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name            TEXT    NOT NULL, -- of the draft
    search          TEXT    NOT NULL, -- id and name in small letters
    name_key        TEXT    NOT NULL UNIQUE, -- in small letters: names differ by more than that
    live_name_key   TEXT,
    status          TEXT    NOT NULL, -- of the draft: active or paused
    draft           TEXT    NOT NULL,
    draft_etag      TEXT    NOT NULL,
    draft_author    TEXT    NOT NULL,
    draft_saved     BIGINT  NOT NULL,
    live            BIGINT, -- null until it is published for the first time
    last_version    BIGINT  NOT NULL,
    canary          BIGINT,
    canary_share    BIGINT, -- 1 to 99 of a hundred callers
    CHECK ((canary IS NULL) = (canary_share IS NULL)),
    CHECK (canary_share BETWEEN 1 AND 99)
);

-- What was published, as it was. Never changed.
CREATE TABLE flow_versions (
    flow_id     TEXT    NOT NULL,
    version     BIGINT  NOT NULL,
    digest      TEXT    NOT NULL,
    document    TEXT    NOT NULL,
    author      TEXT    NOT NULL,
    comment     TEXT    NOT NULL,
    published   BIGINT  NOT NULL,
    PRIMARY KEY (flow_id, version)
);

-- Publications to come, one a flow, with the draft as it was when it was scheduled.
CREATE TABLE flow_schedule (
    flow_id     TEXT    NOT NULL PRIMARY KEY,
    due         BIGINT  NOT NULL,
    document    TEXT    NOT NULL,
    author      TEXT    NOT NULL,
    comment     TEXT    NOT NULL,
    failure     TEXT -- why it was not published when its time had come
);
CREATE INDEX flow_schedule_by_time ON flow_schedule (due);

-- Numbers of versions go on where a flow was deleted and one of the same id made: records and counts tell them apart.
CREATE TABLE flow_tombstones (
    id              TEXT    NOT NULL PRIMARY KEY,
    last_version    BIGINT  NOT NULL
);

CREATE TABLE prompts (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    search      TEXT    NOT NULL,
    language    TEXT    NOT NULL,
    etag        TEXT    NOT NULL,
    sha256      TEXT    NOT NULL,
    extension   TEXT    NOT NULL,
    length_ms   BIGINT  NOT NULL,
    sample_rate BIGINT  NOT NULL,
    bytes       BIGINT  NOT NULL,
    updated     BIGINT  NOT NULL
);
CREATE INDEX prompts_by_audio ON prompts (sha256);

-- The files as they were uploaded, each once.
CREATE TABLE prompt_audio (
    sha256      TEXT    NOT NULL PRIMARY KEY,
    original    BYTEA  NOT NULL
);
