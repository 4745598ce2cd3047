-- Lists of calls by how they ended, such as those that were refused.
CREATE INDEX call_records_by_end_reason ON call_records (end_reason, started, node, call_id);
