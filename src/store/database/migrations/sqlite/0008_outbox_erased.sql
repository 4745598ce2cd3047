-- What was not sent of a caller who was erased is no failure that somebody has to look after.
UPDATE outbox SET state = 'erased', last_error = NULL WHERE state = 'dead' AND last_error = 'the caller was erased';
