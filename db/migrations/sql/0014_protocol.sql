-- What a campus fills in before it goes live. The operator of the campus writes it down; who changed what stays on record.
create policy operator_writes on institutions for update to companion_app
  using (id = app_institution() and current_setting('app.role', true) = 'admin')
  with check (id = app_institution() and current_setting('app.role', true) = 'admin');
grant update (settings) on institutions to companion_app;

create table protocol_changes (
  id uuid primary key,
  institution_id uuid not null references institutions on delete cascade,
  account_id uuid not null references accounts,
  fields text[] not null,
  at timestamptz not null
);
create index on protocol_changes (institution_id, at desc);

-- Who signed which version of what the service says and does in a crisis. A changed file is a new version, unsigned.
create table signatures (
  id uuid primary key,
  institution_id uuid not null references institutions on delete cascade,
  account_id uuid not null references accounts,
  part text not null check (part in ('script', 'policy', 'people', 'law')),
  version text not null,
  signed_as text not null,
  signed_at timestamptz not null,
  unique (institution_id, part, version)
);

do $$
declare
  name text;
begin
  foreach name in array array['protocol_changes', 'signatures']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
    execute format('create policy campus_reads on %I for select to companion_app
                    using (institution_id = app_institution()
                           and current_setting(''app.role'', true) in (''counselor'', ''supervisor'', ''admin''))', name);
    execute format('grant select, insert on %I to companion_app', name);
  end loop;
end $$;
create policy operator_records on protocol_changes for insert to companion_app
  with check (institution_id = app_institution() and account_id = app_account()
              and current_setting('app.role', true) = 'admin');
-- A clinician of the institution signs what is clinical; what counsel confirmed is recorded by the operator.
create policy signs on signatures for insert to companion_app
  with check (institution_id = app_institution() and account_id = app_account()
              and current_setting('app.role', true) = case part when 'law' then 'admin' else 'supervisor' end);

-- The operator sees who the staff are, to say who is confidential; nothing of students.
create policy operator_sees_staff on accounts for select to companion_app
  using (current_setting('app.role', true) = 'admin' and institution_id = app_institution()
         and role in ('counselor', 'supervisor'));
create policy operator_sees_staff on profiles for select to companion_app
  using (current_setting('app.role', true) = 'admin' and institution_id = app_institution()
         and is_staff_account(account_id));
create policy operator_sees_staff on data_keys for select to companion_app
  using (current_setting('app.role', true) = 'admin' and institution_id = app_institution()
         and is_staff_account(subject_id));
