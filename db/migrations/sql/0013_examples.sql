-- What a student agreed to, and when they took it back. Nothing is agreed by default.
create table consents (
  id uuid primary key,
  student_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  kind text not null check (kind in ('examples')),
  version text not null,
  given_at timestamptz not null,
  withdrawn_at timestamptz
);
create unique index one_standing_consent on consents (student_id, kind) where withdrawn_at is null;

-- Messages that screening got wrong, without what could tell who wrote them, read by a counselor before they were kept.
create table examples (
  id uuid primary key,
  student_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  conversation_id uuid not null references conversations on delete cascade,
  kind text not null check (kind in ('misread', 'miss')),
  row_sealed bytea not null,
  screening_version text not null,
  kept_by uuid not null references accounts,
  kept_at timestamptz not null
);
create index on examples (student_id);

-- Whether a student agrees at this moment; asked by policies, so that nothing above them can forget to.
create function gave_consent(subject uuid, what text) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from consents where student_id = subject and kind = what and withdrawn_at is null
                       and institution_id = app_institution()) $$;

-- Taking consent back deletes what was kept with it, in the same transaction.
create function forget_examples() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if new.withdrawn_at is not null and new.kind = 'examples' then
      delete from examples where student_id = new.student_id;
    end if;
    return new;
  end $$;
create trigger forget_examples after update of withdrawn_at on consents
  for each row execute function forget_examples();

do $$
declare
  name text;
begin
  foreach name in array array['consents', 'examples']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
  end loop;
end $$;

create policy own on consents to companion_app
  using (student_id = app_student() and institution_id = app_institution() and not app_is_staff())
  with check (student_id = app_student() and institution_id = app_institution() and not app_is_staff());
grant select, insert, update (withdrawn_at) on consents to companion_app;

create policy own_reads on examples for select to companion_app
  using (student_id = app_student() and institution_id = app_institution() and not app_is_staff());
create policy staff_keeps on examples for insert to companion_app
  with check (app_is_staff() and institution_id = app_institution() and kept_by = app_account()
              and staff_sees_conversation(conversation_id) and gave_consent(student_id, 'examples')
              and exists (select from conversations c where c.id = conversation_id and c.student_id = examples.student_id));
grant select, insert on examples to companion_app;
create policy exports on examples for select to companion_worker
  using (student_id = app_student() and institution_id = app_institution() and gave_consent(student_id, 'examples'));
grant select on examples to companion_worker;

-- Whose examples there are: ids only, for the export at the operator's machine.
create function students_with_examples() returns table (student_id uuid, institution_id uuid, slug text)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select distinct e.student_id, e.institution_id, i.slug from examples e
        join institutions i on i.id = e.institution_id
        join consents c on c.student_id = e.student_id and c.kind = 'examples' and c.withdrawn_at is null $$;
revoke all on function students_with_examples() from public;
grant execute on function students_with_examples() to companion_worker;
