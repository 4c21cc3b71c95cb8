-- Every questionnaire and log in one table: which one and when in the clear, the answers and their total sealed.
drop table sleep_logs;  -- Nothing but the demo ever wrote into it, and in the clear.
create table entries (
  id uuid primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  source_turn uuid references turns on delete cascade,
  instrument text not null,
  version int not null,
  slot text,
  day date not null,
  at timestamptz not null,
  values_sealed bytea not null
);
-- A daily log has one entry a day; the others have no slot.
create unique index one_entry_a_day on entries (student_id, instrument, slot);
create index entries_newest on entries (student_id, instrument, at desc, id desc);

alter table entries enable row level security;
alter table entries force row level security;
create policy owner_all on entries to companion_owner using (true) with check (true);
create policy own on entries to companion_app, companion_worker
  using (student_id = app_student() and institution_id = app_institution() and not app_is_staff())
  with check (student_id = app_student() and institution_id = app_institution() and not app_is_staff());
grant select, insert, update, delete on entries to companion_app, companion_worker;

-- The institution's own licensed or official wording of an instrument; shown in place of the project's.
create table instrument_texts (
  institution_id uuid not null references institutions on delete cascade,
  instrument text not null,
  source text not null,
  texts jsonb not null,
  imported_at timestamptz not null default now(),
  primary key (institution_id, instrument)
);
alter table instrument_texts enable row level security;
alter table instrument_texts force row level security;
create policy owner_all on instrument_texts to companion_owner using (true) with check (true);
create policy own_campus on instrument_texts for select to companion_app, companion_worker
  using (institution_id = app_institution());
grant select on instrument_texts to companion_app, companion_worker;

create or replace function forget_conversation(subject uuid, keep boolean) returns void
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if keep then
      update mood_logs set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
      update tasks set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
      update entries set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
    end if;
    delete from cases where conversation_id = subject and tier = 'none';
    delete from conversations where id = subject;
  end $$;
