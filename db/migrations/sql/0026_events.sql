-- What happened to a student's data, in the order in which it happened. Who told it twice told it once.
create table student_events (
  id uuid primary key,
  seq bigint generated always as identity,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  kind text not null,
  about text not null,
  at timestamptz not null,
  facts_sealed bytea not null,
  attempts int not null default 0,
  set_aside boolean not null default false,
  handled_at timestamptz,
  unique (student_id, kind, about)
);
create index student_events_waiting on student_events (student_id, seq) where handled_at is null;
create index student_events_old on student_events (handled_at) where handled_at is not null;

-- What the data says at the moment, and when the companion last asked about such a thing by itself.
create table student_signals (
  student_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  signals_sealed bytea,
  checked_in_at timestamptz
);

-- How the companion is to be with a student. Quiet hours are in the clear: the sweep of reminders needs them.
create table companion_settings (
  student_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  settings_sealed bytea not null,
  quiet_from time not null,
  quiet_to time not null,
  updated_at timestamptz not null
);

-- Reminders that a student asked for. None is sent that they did not.
create table reminders (
  student_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  instrument text not null,
  every_days int not null check (every_days between 1 and 31),
  hour smallint not null check (hour between 0 and 23),
  next_at timestamptz not null,
  sent_at timestamptz,
  primary key (student_id, instrument)
);
create index reminders_due on reminders (next_at);

do $$
declare
  name text;
begin
  foreach name in array array['student_events', 'student_signals', 'companion_settings', 'reminders']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
    execute format('create policy own on %I to companion_app, companion_worker
                    using (student_id = app_student() and institution_id = app_institution() and not app_is_staff())
                    with check (student_id = app_student() and institution_id = app_institution() and not app_is_staff())', name);
    execute format('grant select, insert, update, delete on %I to companion_app, companion_worker', name);
  end loop;
end $$;
revoke delete on student_events from companion_app, companion_worker;

-- How full a week is depends on the times that a student gave; the worker only reads them.
create policy worker_reads on study_times for select to companion_worker
  using (student_id = app_student() and institution_id = app_institution());
grant select on study_times to companion_worker;

-- The only reads across students: ids and moments.
create function reminders_claim(due_by timestamptz, claimed_until timestamptz, at_most int)
  returns table (student_id uuid, institution_id uuid, instrument text)
  language sql security definer set search_path = public, pg_temp
  as $$ with due as (
          select r.student_id, r.instrument from reminders r where r.next_at <= due_by
          order by r.next_at limit at_most for update skip locked)
        update reminders r set next_at = claimed_until from due
        where r.student_id = due.student_id and r.instrument = due.instrument
        returning r.student_id, r.institution_id, r.instrument $$;
revoke all on function reminders_claim(timestamptz, timestamptz, int) from public;
grant execute on function reminders_claim(timestamptz, timestamptz, int) to companion_worker;

-- Whose own tasks have become overdue since a moment, and who has tasks at all of which a pattern could be read.
create function students_with_overdue(since timestamptz, moment timestamptz)
  returns table (student_id uuid, institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select distinct t.student_id, t.institution_id from tasks t
        where t.completed_at is null and t.due_at > since and t.due_at <= moment $$;
revoke all on function students_with_overdue(timestamptz, timestamptz) from public;
grant execute on function students_with_overdue(timestamptz, timestamptz) to companion_worker;
create function students_with_tasks(since timestamptz, moment timestamptz)
  returns table (student_id uuid, institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select distinct t.student_id, t.institution_id from tasks t where t.due_at > since and t.due_at <= moment $$;
revoke all on function students_with_tasks(timestamptz, timestamptz) from public;
grant execute on function students_with_tasks(timestamptz, timestamptz) to companion_worker;
create index tasks_open_due on tasks (due_at) where completed_at is null;

-- Events that were acted on long ago.
create function forget_events(before timestamptz) returns int
  language sql security definer set search_path = public, pg_temp
  as $$ with gone as (delete from student_events where handled_at < before and not set_aside returning 1)
        select count(*)::int from gone $$;
revoke all on function forget_events(timestamptz) from public;
grant execute on function forget_events(timestamptz) to companion_worker;
