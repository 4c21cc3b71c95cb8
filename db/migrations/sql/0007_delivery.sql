-- A call that was made without the database, stored when it is back.
alter table deliveries drop constraint deliveries_rung_check;
alter table deliveries add constraint deliveries_rung_check
  check (rung in ('queue', 'on_call', 'backup', 'supervisor', 'line_24_7', 'colleague', 'direct'));
