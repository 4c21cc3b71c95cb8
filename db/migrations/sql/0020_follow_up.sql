-- How a student hears that a check-in or a note waits: on the page alone, or by a letter that says nothing of what it is about.
alter table profiles
  add column follow_up_by text not null default 'here' check (follow_up_by in ('here', 'email')),
  add column caring boolean not null default true;

-- Short notes without demand that a counselor chose to send after a case, each with its moment.
create table caring_notes (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  conversation_id uuid not null references conversations on delete cascade,
  case_id uuid not null references cases on delete cascade,
  counselor_id uuid not null references accounts on delete cascade,
  signed_sealed bytea not null,
  number int not null check (number >= 0),
  due_at timestamptz not null,
  ended_at timestamptz,
  outcome text check (outcome in ('sent', 'dropped')),
  check ((ended_at is null) = (outcome is null)),
  unique (case_id, number)
);
create index on caring_notes (due_at) where ended_at is null;
create index on caring_notes (student_id);
alter table caring_notes enable row level security;
alter table caring_notes force row level security;
create policy owner_all on caring_notes to companion_owner using (true) with check (true);
create policy own on caring_notes to companion_worker
  using (student_id = app_student() and institution_id = app_institution())
  with check (student_id = app_student() and institution_id = app_institution());
create policy staff_plan on caring_notes to companion_app
  using (app_is_staff() and institution_id = app_institution() and counselor_id = app_account())
  with check (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id)
              and counselor_id = app_account());
grant select, insert on caring_notes to companion_app;
grant select, update (ended_at, outcome, due_at) on caring_notes to companion_worker;

-- Which notes are due, over all students: ids alone.
create function caring_due(moment timestamptz, at_most int) returns table (note uuid, student_id uuid, institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select id, student_id, institution_id from caring_notes
        where ended_at is null and due_at <= moment order by due_at limit at_most $$;
revoke all on function caring_due(timestamptz, int) from public;
grant execute on function caring_due(timestamptz, int) to companion_worker;
