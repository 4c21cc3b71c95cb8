-- A message that was screened while a layer was down is screened again; the first verdict stays on record.
alter table screenings
  add column first_verdict jsonb,
  add column screened_again_at timestamptz;

-- Screenings are append-only for the service. This alone changes one: once, from a verdict with a layer missing, never to a milder one.
create function store_second_look(message uuid, found_crisis boolean, found_clarify boolean, found_category text,
                                  found_severity text, found_score double precision, evidence bytea, found_version text,
                                  moment timestamptz)
  returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    update screenings s set
      first_verdict = jsonb_build_object(
        'crisis', s.crisis, 'clarify', s.clarify, 'category', s.category, 'severity', s.severity, 'score', s.score,
        'degraded', to_jsonb(s.degraded), 'version', s.version),
      crisis = found_crisis, clarify = found_clarify, category = found_category, severity = found_severity,
      score = found_score, evidence_sealed = evidence, degraded = '{}', version = found_version,
      screened_again_at = moment
    where s.message_id = message and s.student_id = app_student() and s.institution_id = app_institution()
      and cardinality(s.degraded) > 0 and s.screened_again_at is null and (found_crisis or not s.crisis);
    return found;
  end $$;
revoke all on function store_second_look(uuid, boolean, boolean, text, text, double precision, bytea, text, timestamptz) from public;
grant execute on function store_second_look(uuid, boolean, boolean, text, text, double precision, bytea, text, timestamptz)
  to companion_worker;

-- Mail of the service as a whole, such as an alarm about a part that every campus shares, belongs to no campus.
alter table outbox alter column institution_id drop not null;
drop policy admin_reads on outbox;
create policy admin_reads on outbox for select to companion_app
  using (current_setting('app.role', true) = 'admin'
         and (institution_id is null or institution_id = app_institution()));
