-- Who may use the console and the API. Times are microseconds since 1970, UTC; secrets are kept as digests only.
CREATE TABLE users (
    id            TEXT   NOT NULL PRIMARY KEY,
    login         TEXT   NOT NULL UNIQUE, -- lower case
    name          TEXT   NOT NULL,
    role          TEXT   NOT NULL,
    disabled      BIGINT NOT NULL,
    password_hash TEXT   NOT NULL,        -- argon2id, PHC string
    revision      BIGINT NOT NULL,        -- counts changes: the etag
    created       BIGINT NOT NULL,
    updated       BIGINT NOT NULL
);
CREATE TABLE sign_ins (
    id         TEXT   NOT NULL PRIMARY KEY,
    hash       TEXT   NOT NULL UNIQUE,    -- SHA-256 of the cookie's secret
    user_id    TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created    BIGINT NOT NULL,
    last_used  BIGINT NOT NULL,
    source     TEXT   NOT NULL,
    user_agent TEXT   NOT NULL
);
CREATE INDEX sign_ins_by_user ON sign_ins (user_id, created);
CREATE TABLE tokens (
    id        TEXT   NOT NULL PRIMARY KEY,
    hash      TEXT   NOT NULL UNIQUE,     -- SHA-256 of the token
    user_id   TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name      TEXT   NOT NULL,
    scopes    TEXT   NOT NULL,            -- words with a space between
    created   BIGINT NOT NULL,
    expires   BIGINT,
    last_used BIGINT
);
CREATE INDEX tokens_by_user ON tokens (user_id, id);
CREATE TABLE setup_links (
    hash    TEXT   NOT NULL PRIMARY KEY,
    expires BIGINT NOT NULL
);
-- Answers to creations, so that whoever asks again after a broken line gets the same one.
CREATE TABLE idempotency_keys (
    owner   TEXT   NOT NULL,
    key     TEXT   NOT NULL,
    request TEXT   NOT NULL,              -- SHA-256 of method, path and body
    status  BIGINT,                       -- none while the first request runs
    headers TEXT   NOT NULL,
    body    TEXT   NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (owner, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created);
