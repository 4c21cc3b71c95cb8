-- A deletion that waits for a case remembers whether moods and tasks are to stay.
alter table conversations add column keep_entries boolean not null default false;

-- What belongs to a case outlives every wish to delete it until a person has closed it, whoever asks and by whichever way.
create function no_deletion_in_a_case() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if exists (select from cases c where c.status <> 'closed' and not c.synthetic
               and ((tg_table_name = 'conversations' and c.conversation_id = (to_jsonb(old) ->> 'id')::uuid)
                    or (tg_table_name = 'accounts' and c.student_id = (to_jsonb(old) ->> 'id')::uuid)
                    or (tg_table_name = 'data_keys' and c.student_id = (to_jsonb(old) ->> 'subject_id')::uuid))) then
      raise exception 'a case is open: the deletion waits until a person closes it' using errcode = 'restrict_violation';
    end if;
    return old;
  end $$;
create trigger no_deletion_in_a_case before delete on conversations
  for each row execute function no_deletion_in_a_case();
create trigger no_deletion_in_a_case before delete on accounts
  for each row execute function no_deletion_in_a_case();
create trigger no_deletion_in_a_case before delete on data_keys
  for each row execute function no_deletion_in_a_case();

create function forget_conversation(subject uuid, keep boolean) returns void
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if keep then
      update mood_logs set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
      update tasks set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
    end if;
    delete from conversations where id = subject;
  end $$;
revoke all on function forget_conversation(uuid, boolean) from public;

-- The student's own deletion: true when it is gone, false when it waits for a case, null when there is none of theirs.
-- The conversation is locked before its cases are looked at, in the order in which a message locks them.
create function delete_conversation(subject uuid, moment timestamptz, keep boolean) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    perform from conversations where id = subject and student_id = app_student() and student_id = app_account()
      and institution_id = app_institution() and delete_requested_at is null for update;
    if not found then
      return null;
    end if;
    if exists (select from cases where conversation_id = subject and status <> 'closed') then
      update conversations set delete_requested_at = moment, keep_entries = keep where id = subject;
      return false;
    end if;
    perform forget_conversation(subject, keep);
    return true;
  end $$;
revoke all on function delete_conversation(uuid, timestamptz, boolean) from public;
grant execute on function delete_conversation(uuid, timestamptz, boolean) to companion_app;

create or replace function finish_deletion(subject uuid) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$
  declare
    keep boolean;
  begin
    select c.keep_entries into keep from conversations c
      where c.id = subject and c.institution_id = app_institution() and c.delete_requested_at is not null for update;
    if not found or exists (select from cases k where k.conversation_id = subject and k.status <> 'closed') then
      return false;
    end if;
    perform forget_conversation(subject, keep);
    return true;
  end $$;

-- What the probe left behind, and nothing of anybody real.
create function tidy_probe(campus uuid, before timestamptz) returns void
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    delete from cases where institution_id = campus and synthetic and opened_at < before;
    delete from conversations v using accounts a
      where a.id = v.student_id and a.synthetic and v.institution_id = campus and v.created_at < before;
  end $$;
revoke all on function tidy_probe(uuid, timestamptz) from public;
grant execute on function tidy_probe(uuid, timestamptz) to companion_worker;

-- The service deletes nothing of a conversation or a case by itself; the functions above do, as the owner.
revoke delete on conversations, turns, messages, screenings, tool_calls, cases, case_events, deliveries
  from companion_app, companion_worker;

-- A case whose conversation the student deleted still has a clock: silence calls people there as well.
drop index conversations_ticking;
create index conversations_ticking on conversations (tick_at nulls first) where triage_sealed is not null;
create or replace function conversations_to_look_at(moment timestamptz, at_most int)
  returns table (conversation_id uuid, student_id uuid, institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select id, student_id, institution_id from conversations
        where triage_sealed is not null and (tick_at is null or tick_at <= moment)
        order by tick_at nulls first limit at_most $$;
