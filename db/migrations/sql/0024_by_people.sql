-- What only people may do, whatever the code above it does. Under a student's own acting, and the worker's for them, a case
-- opens and rises and nothing else: staff end it, lower it, take it, answer for it.
create function cases_move_by_people() returns trigger language plpgsql as $$
declare
  tiers constant text[] := array['none', 'digest', 'same_day', 'page_now', 'page_all'];
begin
  if current_user not in ('companion_app', 'companion_worker') or app_is_staff() then
    return new;
  end if;
  if tg_op = 'INSERT' then
    if new.status <> 'open' or coalesce(new.outcome, new.closed_at::text, new.claimed_by::text, new.claimed_at::text,
         new.acknowledged_at::text, new.first_opened_at::text, new.writing_at::text, new.last_person_at::text,
         new.offered_to::text, new.follow_up_at::text) is not null then
      raise exception 'a case opens with nobody on it' using errcode = 'insufficient_privilege';
    end if;
    return new;
  end if;
  if (new.id, new.institution_id, new.student_id, new.conversation_id, new.status, new.outcome, new.opened_at, new.closed_at,
      new.claimed_by, new.claimed_at, new.writing_at, new.last_person_at, new.follow_up_at, new.synthetic)
     is distinct from
     (old.id, old.institution_id, old.student_id, old.conversation_id, old.status, old.outcome, old.opened_at, old.closed_at,
      old.claimed_by, old.claimed_at, old.writing_at, old.last_person_at, old.follow_up_at, old.synthetic) then
    raise exception 'what people did about a case is written by people alone' using errcode = 'insufficient_privilege';
  end if;
  -- A new call begins a new wait, so these may be forgotten; nobody but a person makes them true.
  if (new.acknowledged_at is not null and new.acknowledged_at is distinct from old.acknowledged_at)
     or (new.first_opened_at is not null and new.first_opened_at is distinct from old.first_opened_at)
     or (new.offered_to is not null and new.offered_to is distinct from old.offered_to) then
    raise exception 'a case is acknowledged, opened and offered by people alone' using errcode = 'insufficient_privilege';
  end if;
  if coalesce(array_position(tiers, new.tier), 0) < coalesce(array_position(tiers, old.tier), 0) then
    raise exception 'the tier of a case falls by a person alone' using errcode = 'insufficient_privilege';
  end if;
  if old.confidential and not new.confidential then
    raise exception 'a confidential case stays confidential' using errcode = 'insufficient_privilege';
  end if;
  if old.acknowledged_at is null and old.due_at is not null and (new.due_at is null or new.due_at > old.due_at) then
    raise exception 'the deadline of a case that nobody has acknowledged never moves later'
      using errcode = 'insufficient_privilege';
  end if;
  return new;
end $$;
create trigger cases_move_by_people before insert or update on cases
  for each row execute function cases_move_by_people();

-- A conversation does not become ordinary while its case is grave and no person has been in contact, and a person who is in it
-- stays in it. It is held, not refused: what comes with the change is a student's message, and that is never lost.
create function hold_the_conversation() returns trigger language plpgsql as $$ begin
  if current_user not in ('companion_app', 'companion_worker') or app_is_staff() then
    return new;
  end if;
  if old.mode = 'live_person' and new.mode <> 'live_person'
     and exists (select from cases c where c.conversation_id = new.id and c.status = 'live') then
    new.mode := old.mode;
  end if;
  if (new.mode = 'ordinary' or new.triage_sealed is null)
     and exists (select from cases c where c.conversation_id = new.id and c.status <> 'closed'
                 and c.severity in ('high', 'imminent') and c.last_person_at is null) then
    if new.mode = 'ordinary' then
      new.mode := 'guarded';
    end if;
    new.triage_sealed := coalesce(new.triage_sealed, old.triage_sealed);
  end if;
  return new;
end $$;
-- Named to run before `look_again`, which compares what is stored in the end.
create trigger hold_the_conversation before update on conversations
  for each row execute function hold_the_conversation();

-- A counselor's words are a counselor's.
alter policy own on messages
  with check (student_id = app_student() and institution_id = app_institution() and author <> 'counselor');

-- The API commits a notice; what became of it, the worker and the console say.
drop policy own on deliveries;
create policy own on deliveries to companion_worker
  using (student_id = app_student() and institution_id = app_institution())
  with check (student_id = app_student() and institution_id = app_institution());
create policy own_reads on deliveries for select to companion_app
  using (student_id = app_student() and institution_id = app_institution());
create policy own_calls on deliveries for insert to companion_app
  with check (student_id = app_student() and institution_id = app_institution() and state = 'committed'
              and attempts = 0 and sent_at is null and last_error is null);
drop policy own on delivery_attempts;
create policy own on delivery_attempts to companion_worker
  using (student_id = app_student() and institution_id = app_institution())
  with check (student_id = app_student() and institution_id = app_institution());
create policy own_reads on delivery_attempts for select to companion_app
  using (student_id = app_student() and institution_id = app_institution());
drop policy own on case_rules;
create policy own_reads on case_rules for select to companion_app, companion_worker
  using (student_id = app_student() and institution_id = app_institution());

-- What people did is a fact that people write; nobody writes in another's name.
drop policy own on case_events;
create policy own_reads on case_events for select to companion_app, companion_worker
  using (student_id = app_student() and institution_id = app_institution());
create policy own_writes on case_events for insert to companion_app, companion_worker
  with check (student_id = app_student() and institution_id = app_institution()
              and (actor_id is null or actor_id = app_account())
              and kind not in ('claimed', 'released', 'taken_over', 'offered', 'joined', 'handed_back', 'counselor_note',
                               'regraded', 'follow_up_planned', 'disclosed', 'looked', 'example_kept', 'closed'));

-- Alarms are the watch's, which acts for nobody, and the operator's; no student's request touches one.
alter policy campus on alarms
  using ((institution_id is null or institution_id = app_institution())
         and coalesce(current_setting('app.role', true), '') <> 'student')
  with check ((institution_id is null or institution_id = app_institution())
              and coalesce(current_setting('app.role', true), '') <> 'student');

-- A second look never makes a verdict milder: by whether it is a crisis, whether it asks, and by severity, as `or_worse` does.
create or replace function store_second_look(message uuid, found_crisis boolean, found_clarify boolean, found_category text,
                                             found_severity text, found_score double precision, evidence bytea,
                                             found_version text, moment timestamptz)
  returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$
declare
  grades constant text[] := array['none', 'low', 'moderate', 'high', 'imminent'];
begin
    update screenings s set
      first_verdict = jsonb_build_object(
        'crisis', s.crisis, 'clarify', s.clarify, 'category', s.category, 'severity', s.severity, 'score', s.score,
        'degraded', to_jsonb(s.degraded), 'version', s.version),
      crisis = found_crisis, clarify = found_clarify, category = found_category, severity = found_severity,
      score = found_score, evidence_sealed = evidence, degraded = '{}', version = found_version,
      screened_again_at = moment
    where s.message_id = message and s.student_id = app_student() and s.institution_id = app_institution()
      and cardinality(s.degraded) > 0 and s.screened_again_at is null
      and (found_crisis, found_clarify and not found_crisis, array_position(grades, found_severity))
          >= (s.crisis, s.clarify and not s.crisis, array_position(grades, s.severity));
    return found;
  end $$;
