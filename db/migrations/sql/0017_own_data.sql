-- What a student decides about their own data: profile, what may be used for what, people to call, taking it along, deleting it.
alter table profiles add column accommodations_sealed bytea;

-- Decisions are added, never changed: the newest one for a kind of data and a purpose counts.
create table data_uses (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  data_kind text not null,
  purpose text not null,
  version int not null,
  granted boolean not null,
  decided_at timestamptz not null
);
create index on data_uses (student_id, data_kind, purpose, decided_at desc);

create table emergency_contacts (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  person_sealed bytea not null,
  purpose text not null check (purpose in ('crisis', 'medical', 'daily', 'never_call')),
  updated_at timestamptz not null
);
create index on emergency_contacts (student_id);

do $$
declare
  name text;
begin
  foreach name in array array['data_uses', 'emergency_contacts']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
    execute format('create policy own on %I to companion_app, companion_worker
                    using (student_id = app_student() and institution_id = app_institution() and not app_is_staff())
                    with check (student_id = app_student() and institution_id = app_institution() and not app_is_staff())', name);
  end loop;
end $$;
grant select, insert on data_uses to companion_app;
grant select on data_uses to companion_worker;
grant select, insert, delete on emergency_contacts to companion_app;
create policy staff_reads on emergency_contacts for select to companion_app
  using (app_is_staff() and institution_id = app_institution() and staff_sees_student(student_id));

-- A token lives longer than the account it was given to: whoever signed in is looked up with each transaction.
create function account_stands(subject uuid, campus uuid, as_role text) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from accounts where id = subject and institution_id = campus and role = as_role
                       and status = 'active') $$;
revoke all on function account_stands(uuid, uuid, text) from public;
grant execute on function account_stands(uuid, uuid, text) to companion_app;

-- Deleting a student: the key goes, and with it every sealed word that is left anywhere. Of a closed case stay facts without a person;
-- every other table with a student's rows is emptied of them, those that are made later included.
alter table accounts add column delete_requested_at timestamptz;
grant select (delete_requested_at) on accounts to companion_app;
create function erase(subject uuid) returns void
  language plpgsql security definer set search_path = public, pg_temp
  as $$
  declare
    name text;
  begin
    delete from conversations where student_id = subject;
    for name in select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
                where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'student_id'
                  and c.relname not in ('cases', 'case_events', 'case_rules', 'deliveries', 'delivery_attempts')
    loop
      execute format('delete from %I where student_id = $1', name) using subject;
    end loop;
    delete from profiles where account_id = subject;
    delete from refresh_tokens where account_id = subject;
    delete from recovery_codes where account_id = subject;
    delete from one_time_tokens where account_id = subject;
    delete from sign_in_attempts where sign_in_attempts.subject = (select email_index from accounts where id = erase.subject);
    delete from data_keys where subject_id = subject;
    update accounts set email_index = decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), email_sealed = '',
      password_hash = '!', status = 'disabled', totp_sealed = null, totp_pending_sealed = null
      where id = subject;
  end $$;
revoke all on function erase(uuid) from public;
-- True when the acting student is erased now, false when an open case holds it: then it follows when the last one closes.
-- Conversations are locked before cases are looked at, in the order in which a message locks them.
create function erase_me(moment timestamptz) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$
  declare
    me uuid := app_student();
  begin
    if not exists (select from accounts where id = me and institution_id = app_institution() and role = 'student'
                   and app_account() = me and current_setting('app.role', true) = 'student') then
      raise exception 'only students erase themselves' using errcode = 'insufficient_privilege';
    end if;
    perform from conversations where student_id = me order by id for update;
    perform from accounts where id = me for update;
    if exists (select from cases where student_id = me and status <> 'closed') then
      update accounts set delete_requested_at = moment where id = me;
      update conversations set delete_requested_at = coalesce(delete_requested_at, moment) where student_id = me;
      update refresh_tokens set revoked_at = moment where account_id = me and revoked_at is null;
      return false;
    end if;
    perform erase(me);
    return true;
  end $$;
revoke all on function erase_me(timestamptz) from public;
grant execute on function erase_me(timestamptz) to companion_app;
create function erase_after_last_case() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if exists (select from accounts where id = new.student_id and delete_requested_at is not null and status = 'active')
       and not exists (select from cases where student_id = new.student_id and status <> 'closed') then
      perform erase(new.student_id);
    end if;
    return null;
  end $$;
-- Deferred to the end of the transaction that closes the case: what it still writes must not outlive the key.
create constraint trigger erase_after_last_case after update of status on cases deferrable initially deferred
  for each row when (new.status = 'closed') execute function erase_after_last_case();
