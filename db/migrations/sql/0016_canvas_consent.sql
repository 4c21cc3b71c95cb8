-- Canvas is read only while the student agrees to it; asked by policies, so that nothing above them can forget to.
alter table consents drop constraint consents_kind_check;
alter table consents add constraint consents_kind_check check (kind in ('examples', 'canvas'));

create function forget_canvas() returns trigger
  language plpgsql security definer set search_path = public, pg_temp
  as $$ begin
    if new.withdrawn_at is not null and new.kind = 'canvas' then
      delete from canvas_connections where student_id = new.student_id;
      delete from canvas_sign_ins where student_id = new.student_id;
    end if;
    return new;
  end $$;
create trigger forget_canvas after update of withdrawn_at on consents
  for each row execute function forget_canvas();

-- Who connected before anybody asked is asked now: nothing stays that nobody agreed to.
delete from canvas_connections;
delete from canvas_sign_ins;

do $$
declare
  name text;
begin
  foreach name in array array['canvas_connections', 'canvas_sign_ins', 'canvas_mirror']
  loop
    -- The subquery is asked once a statement, not once a row.
    execute format('create policy agreed on %I as restrictive to companion_app, companion_worker
                    using ((select gave_consent(app_student(), ''canvas'')))
                    with check ((select gave_consent(app_student(), ''canvas'')))', name);
  end loop;
end $$;
grant execute on function gave_consent(uuid, text) to companion_app, companion_worker;
