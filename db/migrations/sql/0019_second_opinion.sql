-- A language model may be asked a second opinion on what screening let pass. What came of it is on record: no words, the
-- model and prompt, and whether it raised, agreed or could not be read.
alter table screenings add column opinion jsonb, add column opinion_at timestamptz;

-- Screenings are append-only for the service. This changes one once, from no crisis with every layer running, and upward only.
create function store_second_opinion(message uuid, what jsonb, found_crisis boolean, found_clarify boolean,
                                     found_category text, found_severity text, evidence bytea, found_version text,
                                     moment timestamptz)
  returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    update screenings s set
      first_verdict = coalesce(s.first_verdict, jsonb_build_object(
        'crisis', s.crisis, 'clarify', s.clarify, 'category', s.category, 'severity', s.severity, 'score', s.score,
        'degraded', to_jsonb(s.degraded), 'version', s.version)),
      crisis = found_crisis, clarify = found_clarify, category = found_category, severity = found_severity,
      evidence_sealed = evidence, version = found_version, opinion = what, opinion_at = moment
    where s.message_id = message and s.student_id = app_student() and s.institution_id = app_institution()
      and s.opinion is null and not s.crisis and cardinality(s.degraded) = 0
      and (found_crisis or (found_clarify and not s.clarify))
      and array_position(array['none', 'low', 'moderate', 'high', 'imminent'], found_severity)
          >= array_position(array['none', 'low', 'moderate', 'high', 'imminent'], s.severity);
    return found;
  end $$;
-- An opinion that changes nothing is on record too.
create function note_second_opinion(message uuid, what jsonb, moment timestamptz) returns boolean
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    update screenings s set opinion = what, opinion_at = moment
    where s.message_id = message and s.student_id = app_student() and s.institution_id = app_institution()
      and s.opinion is null;
    return found;
  end $$;
revoke all on function store_second_opinion(uuid, jsonb, boolean, boolean, text, text, bytea, text, timestamptz),
  note_second_opinion(uuid, jsonb, timestamptz) from public;
grant execute on function store_second_opinion(uuid, jsonb, boolean, boolean, text, text, bytea, text, timestamptz),
  note_second_opinion(uuid, jsonb, timestamptz) to companion_worker;
