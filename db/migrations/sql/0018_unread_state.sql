-- A triage state that a version could not read is kept while the script goes on from the case: no deployment throws one away.
alter table conversations add column unread_triage_sealed bytea;
