-- When the student's own page of a conversation was last open, as long as a person may be needed there.
alter table conversations add column seen_at timestamptz;
