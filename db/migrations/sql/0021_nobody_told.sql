-- A case of tier none is one that nobody was told of, by the policy or by the student's choice. Nobody of the staff sees it, nor
-- what belongs to it, until the tier rises. It keeps nothing that the student wants deleted, for nobody could ever close it.
alter policy staff_cases on cases
  using (app_is_staff() and institution_id = app_institution() and synthetic = app_is_synthetic() and tier <> 'none'
         and (not confidential or app_is_confidential() or claimed_by = app_account()))
  with check (app_is_staff() and institution_id = app_institution() and tier <> 'none');

create or replace function staff_sees_student(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where student_id = subject and institution_id = app_institution()
                       and status <> 'closed' and synthetic = app_is_synthetic() and tier <> 'none'
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$;
create or replace function staff_sees_conversation(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where conversation_id = subject and institution_id = app_institution()
                       and status <> 'closed' and synthetic = app_is_synthetic() and tier <> 'none'
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$;
create or replace function staff_sees_case(subject uuid) returns boolean
  language sql stable security definer set search_path = public, pg_temp
  as $$ select exists (select from cases where id = subject and institution_id = app_institution()
                       and synthetic = app_is_synthetic() and tier <> 'none'
                       and (not confidential or app_is_confidential() or claimed_by = app_account())) $$;

-- Whether a person may still have to act on it: what a deletion waits for.
create function waits_for_a_person(subject cases) returns boolean
  language sql immutable
  as $$ select subject.status <> 'closed' and subject.tier <> 'none' $$;

create or replace function no_deletion_in_a_case() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if exists (select from cases c where waits_for_a_person(c) and not c.synthetic
               and ((tg_table_name = 'conversations' and c.conversation_id = (to_jsonb(old) ->> 'id')::uuid)
                    or (tg_table_name = 'accounts' and c.student_id = (to_jsonb(old) ->> 'id')::uuid)
                    or (tg_table_name = 'data_keys' and c.student_id = (to_jsonb(old) ->> 'subject_id')::uuid))) then
      raise exception 'a case is open: the deletion waits until a person closes it' using errcode = 'restrict_violation';
    end if;
    return old;
  end $$;

-- What nobody was told of goes with the conversation: no record of it stays.
create or replace function forget_conversation(subject uuid, keep boolean) returns void
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if keep then
      update mood_logs set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
      update tasks set source_turn = null where source_turn in (select id from turns where conversation_id = subject);
    end if;
    delete from cases where conversation_id = subject and tier = 'none';
    delete from conversations where id = subject;
  end $$;

create or replace function delete_conversation(subject uuid, moment timestamptz, keep boolean) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    perform from conversations where id = subject and student_id = app_student() and student_id = app_account()
      and institution_id = app_institution() and delete_requested_at is null for update;
    if not found then
      return null;
    end if;
    if exists (select from cases c where c.conversation_id = subject and waits_for_a_person(c)) then
      update conversations set delete_requested_at = moment, keep_entries = keep where id = subject;
      return false;
    end if;
    perform forget_conversation(subject, keep);
    return true;
  end $$;

create or replace function finish_deletion(subject uuid) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$
  declare
    keep boolean;
  begin
    select c.keep_entries into keep from conversations c
      where c.id = subject and c.institution_id = app_institution() and c.delete_requested_at is not null for update;
    if not found or exists (select from cases k where k.conversation_id = subject and waits_for_a_person(k)) then
      return false;
    end if;
    perform forget_conversation(subject, keep);
    return true;
  end $$;

create or replace function erase_me(moment timestamptz) returns boolean
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
    if exists (select from cases c where c.student_id = me and waits_for_a_person(c)) then
      update accounts set delete_requested_at = moment where id = me;
      update conversations set delete_requested_at = coalesce(delete_requested_at, moment) where student_id = me;
      update refresh_tokens set revoked_at = moment where account_id = me and revoked_at is null;
      return false;
    end if;
    delete from cases where student_id = me and tier = 'none';
    perform erase(me);
    return true;
  end $$;
create or replace function erase_after_last_case() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if exists (select from accounts where id = new.student_id and delete_requested_at is not null and status = 'active')
       and not exists (select from cases c where c.student_id = new.student_id and waits_for_a_person(c)) then
      delete from cases where student_id = new.student_id and tier = 'none';
      perform erase(new.student_id);
    end if;
    return null;
  end $$;
