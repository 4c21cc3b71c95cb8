-- Who acts is a setting local to the transaction; every policy reads it through these functions, which PostgreSQL inlines.
create function app_institution() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.institution', true), '')::uuid $$;
create function app_account() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.account', true), '')::uuid $$;
create function app_student() returns uuid language sql stable parallel safe
  as $$ select nullif(current_setting('app.student', true), '')::uuid $$;
create function app_is_staff() returns boolean language sql stable parallel safe
  as $$ select current_setting('app.role', true) in ('counselor', 'supervisor') $$;

create table institutions (
  id uuid primary key,
  slug text not null unique,
  name text not null,
  region text not null default 'US',
  time_zone text not null default 'UTC',
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table accounts (
  id uuid primary key,
  institution_id uuid not null references institutions,
  email_index bytea not null,
  email_sealed bytea not null,
  password_hash text not null,
  role text not null check (role in ('student', 'counselor', 'supervisor', 'admin')),
  status text not null default 'active' check (status in ('active', 'disabled')),
  failed_logins int not null default 0,
  locked_until timestamptz,
  created_at timestamptz not null default now(),
  unique (institution_id, email_index)
);

create table refresh_tokens (
  id uuid primary key,
  account_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  family uuid not null,
  token_hash bytea not null unique,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  revoked_at timestamptz
);
create index on refresh_tokens (family);
create index on refresh_tokens (account_id);

create table data_keys (
  subject_id uuid primary key,
  institution_id uuid not null references institutions,
  wrapped bytea not null,
  master text not null,
  created_at timestamptz not null default now()
);

create table profiles (
  account_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  name_sealed bytea not null,
  pronouns text,
  age_band text check (age_band in ('under_16', '16_17', '18_24', '25_plus')),
  region text,
  time_zone text not null default 'UTC',
  language text not null default 'en',
  notice_seen_at timestamptz,
  updated_at timestamptz not null default now()
);

create table conversations (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  mode text not null default 'ordinary' check (mode in ('ordinary', 'triage', 'guarded', 'live_person')),
  triage_sealed bytea,
  summary_sealed bytea,
  next_seq int not null default 1,
  delete_requested_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index on conversations (student_id, updated_at desc);

create table turns (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  conversation_id uuid not null references conversations on delete cascade,
  seq int not null,
  idempotency_key text not null,
  body_hash bytea not null,
  path text not null check (path in ('agent', 'script', 'live_person', 'careful')),
  state text not null check (state in ('queued', 'running', 'done', 'failed')),
  attempt int not null default 0,
  lease_owner uuid,
  lease_until timestamptz,
  events_sealed bytea,
  versions jsonb not null default '{}',
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (conversation_id, seq),
  unique (conversation_id, idempotency_key)
);
create index turns_unfinished on turns (lease_until) where state in ('queued', 'running');

create table messages (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  conversation_id uuid not null references conversations on delete cascade,
  turn_id uuid references turns on delete cascade,
  seq int not null,
  part int not null default 0,
  author text not null check (author in ('student', 'companion', 'script', 'counselor')),
  body_sealed bytea not null,
  extras_sealed bytea,
  created_at timestamptz not null default now(),
  unique (conversation_id, seq, part)
);

create table screenings (
  message_id uuid primary key references messages on delete cascade,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  conversation_id uuid not null references conversations on delete cascade,
  crisis boolean not null,
  clarify boolean not null,
  category text not null,
  severity text not null,
  score real not null,
  evidence_sealed bytea not null,
  degraded text[] not null default '{}',
  version text not null,
  created_at timestamptz not null default now()
);
create index on screenings (conversation_id);

create table tool_calls (
  turn_id uuid not null references turns on delete cascade,
  call_id text not null,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  tool text not null,
  result_sealed bytea not null,
  created_at timestamptz not null default now(),
  primary key (turn_id, call_id)
);

create table cases (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  conversation_id uuid references conversations on delete set null,
  category text not null,
  severity text not null check (severity in ('none', 'low', 'moderate', 'high', 'imminent')),
  tier text not null,
  status text not null default 'open' check (status in ('open', 'claimed', 'live', 'closed')),
  opened_at timestamptz not null default now(),
  due_at timestamptz,
  first_opened_at timestamptz,
  claimed_by uuid references accounts,
  claimed_at timestamptz,
  writing_at timestamptz,
  last_person_at timestamptz,
  closed_at timestamptz,
  outcome text
);
create unique index one_open_case on cases (conversation_id) where status <> 'closed';
create index on cases (institution_id, status, opened_at);
create index on cases (student_id);

create table case_events (
  id uuid primary key,
  case_id uuid not null references cases on delete cascade,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  kind text not null,
  actor_id uuid,
  channel text,
  facts jsonb not null default '{}',
  body_sealed bytea,
  at timestamptz not null default now()
);
create index on case_events (case_id, at);

create table deliveries (
  id uuid primary key,
  case_id uuid not null references cases on delete cascade,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  channel text not null check (channel in ('console', 'email', 'sms', 'webhook')),
  reason text not null,
  state text not null default 'committed' check (state in ('committed', 'sent', 'failed')),
  attempts int not null default 0,
  last_error text,
  created_at timestamptz not null default now(),
  sent_at timestamptz
);
create index on deliveries (case_id);

create table mood_logs (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  source_turn uuid references turns on delete cascade,
  score smallint not null check (score between 1 and 10),
  emotions text[] not null default '{}',
  note_sealed bytea,
  logged_at timestamptz not null
);
create index on mood_logs (student_id, logged_at desc);

create table sleep_logs (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  night date not null,
  hours real not null check (hours between 0 and 24),
  quality smallint check (quality between 1 and 5),
  unique (student_id, night)
);

create table tasks (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  source_turn uuid references turns on delete cascade,
  title_sealed bytea not null,
  course_sealed bytea,
  due_at timestamptz,
  estimate_minutes int check (estimate_minutes between 1 and 6000),
  completed_at timestamptz,
  created_at timestamptz not null default now()
);
create index on tasks (student_id, completed_at, due_at);

create table safety_plans (
  student_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  plan_sealed bytea not null,
  updated_at timestamptz not null default now()
);

create table access_log (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  actor_id uuid not null,
  actor_role text not null,
  what text not null,
  object_id uuid,
  at timestamptz not null default now()
);
create index on access_log (student_id, at desc);

create table outbox (
  id uuid primary key,
  institution_id uuid not null references institutions,
  channel text not null,
  recipient text not null,
  subject text not null,
  body text not null,
  created_at timestamptz not null default now()
);

create table heartbeats (
  part text primary key,
  at timestamptz not null
);

-- A counselor sees a student's words only through an open case; the functions run as the owner to look at cases alone.
create function staff_sees_student(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where student_id = subject and institution_id = app_institution()
                       and status <> 'closed') $$;
create function staff_sees_conversation(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where conversation_id = subject and institution_id = app_institution()
                       and status <> 'closed') $$;

do $$
declare
  name text;
begin
  foreach name in array array[
    'institutions', 'accounts', 'refresh_tokens', 'data_keys', 'profiles', 'conversations', 'turns', 'messages',
    'screenings', 'tool_calls', 'cases', 'case_events', 'deliveries', 'mood_logs', 'sleep_logs', 'tasks',
    'safety_plans', 'access_log', 'outbox', 'heartbeats']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
  end loop;
  foreach name in array array[
    'conversations', 'turns', 'messages', 'screenings', 'tool_calls', 'cases', 'case_events', 'deliveries',
    'mood_logs', 'sleep_logs', 'tasks', 'safety_plans']
  loop
    execute format('create policy own on %I to companion_app, companion_worker
                    using (student_id = app_student() and institution_id = app_institution())
                    with check (student_id = app_student() and institution_id = app_institution())', name);
    execute format('grant select, insert, update, delete on %I to companion_app, companion_worker', name);
  end loop;
  foreach name in array array['turns', 'messages', 'screenings']
  loop
    execute format('create policy staff on %I for select to companion_app
                    using (app_is_staff() and institution_id = app_institution()
                           and staff_sees_conversation(conversation_id))', name);
  end loop;
end $$;

-- Messages, case events and the access log are append-only for the service.
revoke update on messages, screenings, case_events from companion_app, companion_worker;

create policy staff_reads on conversations for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_conversation(id));
create policy staff_moves_mode on conversations for update to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_conversation(id));
create policy staff_replies on messages for insert to companion_app
  with check (app_is_staff() and author = 'counselor' and institution_id = app_institution()
              and staff_sees_conversation(conversation_id));
create policy staff_cases on cases to companion_app
  using (app_is_staff() and institution_id = app_institution())
  with check (app_is_staff() and institution_id = app_institution());
create policy staff_case_events on case_events to companion_app
  using (app_is_staff() and institution_id = app_institution())
  with check (app_is_staff() and institution_id = app_institution());
create policy staff_deliveries on deliveries for select to companion_app
  using (app_is_staff() and institution_id = app_institution());
create policy staff_plan on safety_plans for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_student(student_id));

create policy own_campus on institutions for select to companion_app, companion_worker
  using (id = app_institution());
grant select on institutions to companion_app, companion_worker;
create policy sign_in on institutions for select to companion_auth using (true);
grant select on institutions to companion_auth;

create policy self on accounts for select to companion_app, companion_worker
  using (institution_id = app_institution() and (id = app_account() or id = app_student()));
create policy staff_contacts on accounts for select to companion_worker
  using (institution_id = app_institution() and role in ('counselor', 'supervisor'));
grant select on accounts to companion_app, companion_worker;
create policy sign_in on accounts to companion_auth using (true) with check (true);
grant select, insert, update on accounts to companion_auth;
create policy sign_in on refresh_tokens to companion_auth using (true) with check (true);
grant select, insert, update, delete on refresh_tokens to companion_auth;

create policy own on data_keys to companion_app, companion_worker
  using (institution_id = app_institution() and subject_id in (app_student(), app_account()));
create policy staff_reads on data_keys for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_student(subject_id));
grant select, delete on data_keys to companion_app;
grant select on data_keys to companion_worker;
create policy sign_in on data_keys to companion_auth using (true) with check (true);
grant select, insert on data_keys to companion_auth;

create policy own on profiles to companion_app, companion_worker
  using (institution_id = app_institution() and account_id in (app_account(), app_student()));
create policy staff_reads on profiles for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_student(account_id));
grant select, update on profiles to companion_app;
grant select on profiles to companion_worker;
create policy sign_in on profiles to companion_auth using (true) with check (true);
grant select, insert on profiles to companion_auth;

create policy own_reads on access_log for select to companion_app
  using (institution_id = app_institution() and student_id = app_student());
create policy staff_writes on access_log for insert to companion_app
  with check (institution_id = app_institution() and actor_id = app_account());
grant select, insert on access_log to companion_app;

create policy worker_writes on outbox to companion_worker using (true) with check (true);
grant select, insert on outbox to companion_worker;
create policy admin_reads on outbox for select to companion_app
  using (current_setting('app.role', true) = 'admin' and institution_id = app_institution());
grant select on outbox to companion_app;

create policy everyone on heartbeats to companion_app, companion_worker using (true) with check (true);
grant select, insert, update on heartbeats to companion_app, companion_worker;

-- The only reads across students, each for one purpose and returning ids and facts, never words.
create function turns_to_take_over(at_most int)
  returns table (turn_id uuid, conversation_id uuid, student_id uuid, institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select id, conversation_id, student_id, institution_id from turns
        where state in ('queued', 'running') and (lease_until is null or lease_until < now())
          and created_at < now() - interval '2 seconds'
        order by created_at limit at_most $$;
revoke all on function turns_to_take_over(int) from public;
grant execute on function turns_to_take_over(int) to companion_app, companion_worker;
