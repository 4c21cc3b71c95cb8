-- Who acts, beyond the role: confidential staff alone see confidential cases, the probe alone sees its own.
alter table accounts add column synthetic boolean not null default false;

create table staff (
  account_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  confidential boolean not null default false,
  phone_sealed bytea,
  updated_at timestamptz not null default now()
);

create table on_call (
  id uuid primary key,
  institution_id uuid not null references institutions,
  account_id uuid not null references accounts on delete cascade,
  rung text not null check (rung in ('on_call', 'backup', 'supervisor')),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  check (ends_at > starts_at)
);
create index on on_call (institution_id, rung, ends_at);

create function app_is_confidential() returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from staff where account_id = app_account() and institution_id = app_institution()
                       and confidential) $$;
create function app_is_synthetic() returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from accounts where id = app_account() and synthetic) $$;
-- Whether an account is a colleague: their names are shown to staff, their addresses are used by the worker.
create function is_staff_account(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from accounts where id = subject and institution_id = app_institution()
                       and role in ('counselor', 'supervisor')) $$;

alter table cases
  add column confidential boolean not null default false,
  add column synthetic boolean not null default false,
  add column acknowledged_at timestamptz,
  add column paged_at timestamptz,
  add column offered_to uuid references accounts,
  add column follow_up_at timestamptz;

-- A case of the probe's own student is synthetic, whoever opens it.
create function mark_synthetic() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    new.synthetic := exists (select from accounts where id = new.student_id and synthetic);
    return new;
  end $$;
create trigger mark_synthetic before insert on cases for each row execute function mark_synthetic();

alter table deliveries
  add column page_id uuid,
  add column tier text not null default 'page_now',
  add column rung text not null default 'on_call'
    check (rung in ('queue', 'on_call', 'backup', 'supervisor', 'line_24_7', 'colleague')),
  add column recipient_id uuid references accounts;
create index on deliveries (institution_id, channel) where state = 'committed';

create table delivery_attempts (
  id uuid primary key,
  delivery_id uuid not null references deliveries on delete cascade,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  recipient text not null,
  number int not null,
  accepted boolean not null,
  error text,
  at timestamptz not null
);
create index on delivery_attempts (delivery_id, at);

create table case_rules (
  case_id uuid not null references cases on delete cascade,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  layer text not null,
  rule text not null,
  primary key (case_id, layer, rule)
);

create table crisis_terms (
  student_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  terms_sealed bytea not null,
  updated_at timestamptz not null
);

alter table access_log
  add column conversation_id uuid,
  add column actor_name_sealed bytea;
create index on access_log (conversation_id, at);

create table alarms (
  id uuid primary key,
  institution_id uuid references institutions on delete cascade,
  kind text not null,
  facts jsonb not null default '{}',
  raised_at timestamptz not null,
  told_at timestamptz,
  cleared_at timestamptz
);
-- One standing alarm of a kind: the operator is told once, not every minute.
create unique index one_standing_alarm on alarms
  (kind, coalesce(institution_id, '00000000-0000-0000-0000-000000000000')) where cleared_at is null;

create table probe_runs (
  id uuid primary key,
  institution_id uuid not null references institutions on delete cascade,
  started_at timestamptz not null,
  arrived_at timestamptz,
  acknowledged_at timestamptz,
  failed_at timestamptz,
  failure text
);
create index on probe_runs (institution_id, started_at desc);

-- When the script has something to say although nobody wrote; null: look at once.
alter table conversations add column tick_at timestamptz;
create index conversations_ticking on conversations (tick_at nulls first)
  where triage_sealed is not null and delete_requested_at is null;
create function look_again() returns trigger language plpgsql
  as $$ begin
    if new.triage_sealed is distinct from old.triage_sealed and new.tick_at is not distinct from old.tick_at then
      new.tick_at := null;
    end if;
    return new;
  end $$;
create trigger look_again before update of triage_sealed on conversations
  for each row execute function look_again();

-- The minimal record outlives the conversation: facts, no words. What was disclosed on which basis must stay on record.
create function forget_words() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    update case_events set body_sealed = null
      where body_sealed is not null and kind <> 'disclosed' and case_id in (select id from cases where conversation_id = old.id);
    return old;
  end $$;
create trigger forget_words before delete on conversations for each row execute function forget_words();

create or replace function staff_sees_student(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where student_id = subject and institution_id = app_institution()
                       and status <> 'closed' and synthetic = app_is_synthetic()
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$;
create or replace function staff_sees_conversation(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where conversation_id = subject and institution_id = app_institution()
                       and status <> 'closed' and synthetic = app_is_synthetic()
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$;

do $$
declare
  name text;
begin
  foreach name in array array['staff', 'on_call', 'delivery_attempts', 'case_rules', 'crisis_terms', 'alarms', 'probe_runs']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
  end loop;
  foreach name in array array['delivery_attempts', 'case_rules', 'crisis_terms']
  loop
    execute format('create policy own on %I to companion_app, companion_worker
                    using (student_id = app_student() and institution_id = app_institution())
                    with check (student_id = app_student() and institution_id = app_institution())', name);
  end loop;
end $$;
grant select, insert on delivery_attempts, case_rules to companion_app, companion_worker;
grant select, insert, update, delete on crisis_terms to companion_app;
grant select on crisis_terms to companion_worker;

drop policy staff_cases on cases;
create policy staff_cases on cases to companion_app
  using (app_is_staff() and institution_id = app_institution() and synthetic = app_is_synthetic()
         and (not confidential or app_is_confidential() or claimed_by = app_account()))
  with check (app_is_staff() and institution_id = app_institution());
-- What belongs to a case is seen with the case.
create function staff_sees_case(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where id = subject and institution_id = app_institution()
                       and synthetic = app_is_synthetic()
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$;
drop policy staff_case_events on case_events;
create policy staff_reads on case_events for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id));
create policy staff_writes on case_events for insert to companion_app
  with check (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id));
drop policy staff_deliveries on deliveries;
create policy staff_reads on deliveries for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id));
create policy staff_shown on deliveries for update to companion_app
  using (app_is_staff() and institution_id = app_institution() and channel = 'console' and staff_sees_case(case_id));
create policy staff_calls on deliveries for insert to companion_app
  with check (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id));
create policy staff_reads on delivery_attempts for select to companion_app
  using (app_is_staff() and institution_id = app_institution());
create policy staff_shown on delivery_attempts for insert to companion_app
  with check (app_is_staff() and institution_id = app_institution());
create policy staff_reads on case_rules for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id));
create policy staff_writes on case_rules for insert to companion_app
  with check (app_is_staff() and institution_id = app_institution() and staff_sees_case(case_id));
create policy staff_reads on crisis_terms for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_student(student_id));

-- A person in the conversation: their own words, and the fixed words around them.
drop policy staff_replies on messages;
create policy staff_replies on messages for insert to companion_app
  with check (app_is_staff() and author in ('counselor', 'script') and institution_id = app_institution()
              and staff_sees_conversation(conversation_id));

create policy colleagues on accounts for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and role in ('counselor', 'supervisor'));
create policy colleagues on profiles for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and is_staff_account(account_id));
create policy colleagues on data_keys for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and is_staff_account(subject_id));
create policy staff_contacts on data_keys for select to companion_worker
  using (institution_id = app_institution() and is_staff_account(subject_id));

create policy colleagues on staff for select to companion_app, companion_worker
  using (institution_id = app_institution());
create policy self_updates on staff to companion_app
  using (institution_id = app_institution() and account_id = app_account() and app_is_staff())
  with check (institution_id = app_institution() and account_id = app_account() and app_is_staff());
grant select on staff to companion_worker;
grant select, insert (account_id, institution_id, phone_sealed, updated_at), update (phone_sealed, updated_at)
  on staff to companion_app;
create policy roster on on_call for select to companion_app, companion_worker
  using (institution_id = app_institution());
create policy supervisors_plan on on_call to companion_app
  using (institution_id = app_institution() and current_setting('app.role', true) in ('supervisor', 'admin'))
  with check (institution_id = app_institution() and current_setting('app.role', true) in ('supervisor', 'admin'));
grant select, insert, update, delete on on_call to companion_app;
grant select on on_call to companion_worker;

drop policy staff_writes on access_log;
create policy staff_writes on access_log for insert to companion_app
  with check (institution_id = app_institution() and actor_id = app_account());

create policy campus on alarms to companion_app
  using (institution_id is null or institution_id = app_institution())
  with check (institution_id is null or institution_id = app_institution());
create policy every_campus on alarms to companion_worker using (true) with check (true);
grant select, insert, update on alarms to companion_app, companion_worker;
create policy probes on probe_runs to companion_worker using (true) with check (true);
create policy reads on probe_runs for select to companion_app
  using (institution_id = app_institution() and current_setting('app.role', true) in ('supervisor', 'admin'));
grant select, insert, update on probe_runs to companion_worker;
grant select on probe_runs to companion_app;

-- Read across students, each for one purpose and returning ids and facts, never words.
create function conversations_to_look_at(moment timestamptz, at_most int)
  returns table (conversation_id uuid, student_id uuid, institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select id, student_id, institution_id from conversations
        where triage_sealed is not null and delete_requested_at is null and (tick_at is null or tick_at <= moment)
        order by tick_at nulls first limit at_most $$;
-- A deletion that waited for the case: it has waited long enough once no case is open.
create function finish_deletion(subject uuid) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    delete from conversations c
      where c.id = subject and c.institution_id = app_institution() and c.delete_requested_at is not null
        and not exists (select from cases k where k.conversation_id = c.id and k.status <> 'closed');
    return found;
  end $$;
-- The probe's own student and counselor; the wrapped keys are made by the service.
create function ensure_probe_account(campus uuid, account uuid, kind text, email_index bytea, sealed bytea,
                                     wrapped bytea, master text, name_sealed bytea)
  returns uuid
  language plpgsql security definer set search_path = public, pg_temp
  as $$
  declare
    found_id uuid;
  begin
    if kind not in ('student', 'counselor') then
      raise exception 'a probe is a student or a counselor';
    end if;
    perform pg_advisory_xact_lock(727004);
    select id into found_id from accounts where institution_id = campus and synthetic and role = kind;
    if found_id is not null then
      return found_id;
    end if;
    insert into data_keys (subject_id, institution_id, wrapped, master) values (account, campus, wrapped, master);
    insert into accounts (id, institution_id, email_index, email_sealed, password_hash, role, synthetic)
      values (account, campus, email_index, sealed, '!', kind, true);
    insert into profiles (account_id, institution_id, name_sealed) values (account, campus, name_sealed);
    return account;
  end $$;
create function institutions_served() returns table (institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select id from institutions $$;
-- Who is confidential staff is the operator's decision.
create function set_confidential(subject uuid, value boolean) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if current_setting('app.role', true) is distinct from 'admin' or not is_staff_account(subject) then
      return false;
    end if;
    insert into staff (account_id, institution_id, confidential) values (subject, app_institution(), value)
      on conflict (account_id) do update set confidential = excluded.confidential, updated_at = now();
    return true;
  end $$;
do $$
declare
  signature text;
begin
  foreach signature in array array[
    'conversations_to_look_at(timestamptz, int)', 'institutions_served()',
    'ensure_probe_account(uuid, uuid, text, bytea, bytea, bytea, text, bytea)']
  loop
    execute format('revoke all on function %s from public', signature);
    execute format('grant execute on function %s to companion_worker', signature);
  end loop;
end $$;
grant execute on function institutions_served() to companion_app;
revoke all on function finish_deletion(uuid), set_confidential(uuid, boolean) from public;
grant execute on function finish_deletion(uuid), set_confidential(uuid, boolean) to companion_app;
