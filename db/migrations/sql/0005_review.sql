-- Severity falls by a person alone, whatever the code above it does.
create function severity_falls_by_people() returns trigger language plpgsql as $$
declare
  grades constant text[] := array['none', 'low', 'moderate', 'high', 'imminent'];
begin
  if array_position(grades, new.severity) < array_position(grades, old.severity)
     and current_user in ('companion_app', 'companion_worker') and not app_is_staff() then
    raise exception 'the severity of a case falls by a person alone';
  end if;
  return new;
end $$;
create trigger severity_falls_by_people before update of severity on cases
  for each row execute function severity_falls_by_people();

-- The protocol's outcomes and no other.
alter table cases add constraint outcome_of_the_protocol check (
  (outcome is null) = (status <> 'closed') and (outcome is null or outcome in (
    'contacted', 'welfare_confirmed', 'referred', 'emergency_services', 'hospitalised', 'unreachable', 'declined_help',
    'denied', 'true_but_low', 'misread', 'duplicate', 'test')));
