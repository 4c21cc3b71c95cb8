-- Attempts belong to a case like the notices they are about: who may not see the case sees no attempt either.
alter policy staff_reads on delivery_attempts
  using (app_is_staff() and institution_id = app_institution()
         and exists (select from deliveries d where d.id = delivery_id and staff_sees_case(d.case_id)));
alter policy staff_shown on delivery_attempts
  with check (app_is_staff() and institution_id = app_institution()
              and exists (select from deliveries d where d.id = delivery_id and staff_sees_case(d.case_id)));
