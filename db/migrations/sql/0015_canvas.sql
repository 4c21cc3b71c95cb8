-- What a student lets the service read in Canvas. Tokens have rows of their own: whoever renews one holds its row, and
-- nothing else waits for that.
create table canvas_connections (
  student_id uuid primary key references accounts on delete cascade,
  institution_id uuid not null references institutions,
  state text not null default 'waiting' check (state in (
    'waiting', 'current', 'limited', 'busy', 'unreachable', 'incomplete', 'sign_in_again', 'set_up', 'trouble')),
  limited text[] not null default '{}',
  time_zone text,
  planner_etag text,
  planner_from date,
  events_signal bytea,
  failures int not null default 0,
  connected_at timestamptz not null,
  seen_at timestamptz not null,
  asked_at timestamptz,
  synced_at timestamptz,
  whole_at timestamptz,
  profile_at timestamptz,
  next_sync_at timestamptz
);
create index canvas_due on canvas_connections (next_sync_at) where next_sync_at is not null;

create table canvas_tokens (
  student_id uuid primary key references canvas_connections on delete cascade,
  institution_id uuid not null references institutions,
  access_sealed bytea not null,
  refresh_sealed bytea not null,
  expires_at timestamptz,
  version int not null default 1
);

create table canvas_sign_ins (
  state_hash bytea primary key,
  institution_id uuid not null references institutions,
  student_id uuid not null references accounts on delete cascade,
  verifier_sealed bytea not null,
  redirect_url text not null,
  expires_at timestamptz not null
);
create index on canvas_sign_ins (student_id);

-- The mirror: ids and moments in the clear, everything that says something about the student sealed in `detail_sealed`.
create table canvas_mirror (
  student_id uuid not null references canvas_connections on delete cascade,
  institution_id uuid not null references institutions,
  kind text not null check (kind in ('course', 'work', 'event', 'note', 'announcement')),
  id text not null,
  course_id text,
  at timestamptz,
  digest bytea not null,
  signal bytea,
  detail_sealed bytea not null,
  primary key (student_id, kind, id)
);
create index on canvas_mirror (student_id, kind, at);

do $$
declare
  name text;
begin
  foreach name in array array['canvas_connections', 'canvas_tokens', 'canvas_sign_ins', 'canvas_mirror']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
    execute format('create policy own on %I to companion_app, companion_worker
                    using (student_id = app_student() and institution_id = app_institution())
                    with check (student_id = app_student() and institution_id = app_institution())', name);
    execute format('grant select, insert, update, delete on %I to companion_app, companion_worker', name);
  end loop;
end $$;

-- Whose sync is due, put off until `claimed_until` so that no other sweep takes them too: ids only.
create function canvas_claim(due_by timestamptz, claimed_until timestamptz, at_most int)
  returns table (student_id uuid, institution_id uuid)
  language sql security definer set search_path = public, pg_temp
  as $$ with due as (
          select c.student_id from canvas_connections c where c.next_sync_at <= due_by
          order by c.next_sync_at limit at_most for update skip locked)
        update canvas_connections c set next_sync_at = claimed_until from due
        where c.student_id = due.student_id returning c.student_id, c.institution_id $$;
revoke all on function canvas_claim(timestamptz, timestamptz, int) from public;
grant execute on function canvas_claim(timestamptz, timestamptz, int) to companion_worker;
