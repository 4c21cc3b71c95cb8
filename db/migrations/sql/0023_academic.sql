-- What a student says about their own work: how much a task counts for them, how long it took, when they have time, how full
-- a week felt. Nobody else has a policy here: it is never shown to staff.
alter table tasks
  add column importance text not null default 'normal' check (importance in ('low', 'normal', 'high')),
  add column spent_minutes int check (spent_minutes between 1 and 6000);

create table study_times (
  student_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  times_sealed bytea not null,
  updated_at timestamptz not null
);

create table week_answers (
  student_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  week date not null,
  felt int not null check (felt between 1 and 10),
  score int check (score between 0 and 100),
  answered_at timestamptz not null,
  primary key (student_id, week)
);

do $$
declare
  name text;
begin
  foreach name in array array['study_times', 'week_answers']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
    execute format('create policy own on %I to companion_app
                    using (student_id = app_student() and institution_id = app_institution() and not app_is_staff())
                    with check (student_id = app_student() and institution_id = app_institution() and not app_is_staff())',
                   name);
    execute format('grant select, insert, update, delete on %I to companion_app', name);
  end loop;
end $$;
