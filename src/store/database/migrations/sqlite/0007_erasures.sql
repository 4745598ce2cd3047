-- Callers whose records are to be erased, also those that still wait in the spool of some server. Kept for a while.
CREATE TABLE erasures (
    digest      TEXT    NOT NULL, -- of the caller's number, in one of its spellings
    at          BIGINT  NOT NULL, -- microseconds since 1970, UTC: calls that began earlier are meant
    PRIMARY KEY (digest, at)
);
