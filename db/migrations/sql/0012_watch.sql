-- Which campuses have had no synthetic crisis that was acknowledged since a moment: asked by the API, in case the worker is silent.
create function campuses_without_probe(since timestamptz) returns table (institution_id uuid)
  language sql stable security definer set search_path = public, pg_temp
  as $$ select i.id from institutions i where i.created_at < since
        and not exists (select from probe_runs p where p.institution_id = i.id and p.acknowledged_at >= since) $$;
revoke all on function campuses_without_probe(timestamptz) from public;
grant execute on function campuses_without_probe(timestamptz) to companion_app, companion_worker;
