-- Accounts complete: an address that is confirmed, a second step at sign-in, one-time links, lock-out by who is guessing.
alter table accounts drop constraint accounts_status_check;
alter table accounts add constraint accounts_status_check check (status in ('pending', 'active', 'disabled'));
alter table accounts
  drop column failed_logins,
  drop column locked_until,
  add column email_verified_at timestamptz,
  add column totp_sealed bytea,
  add column totp_pending_sealed bytea,
  -- The newest 30 seconds whose code was used: none is used twice.
  add column totp_step bigint;

-- Credentials are for the sign-in login alone; the others see who somebody is.
revoke select on accounts from companion_app, companion_worker;
grant select (id, institution_id, email_sealed, role, status, synthetic, created_at)
  on accounts to companion_app, companion_worker;

-- Which client used a refresh token: two tabs of one browser may ask in the same moment.
alter table refresh_tokens add column used_by bytea;

create table recovery_codes (
  account_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  code_hash bytea not null,
  used_at timestamptz,
  primary key (account_id, code_hash)
);

create table one_time_tokens (
  token_hash bytea primary key,
  account_id uuid not null references accounts on delete cascade,
  institution_id uuid not null references institutions,
  purpose text not null check (purpose in ('verify_email', 'reset_password', 'code', 'set_up')),
  expires_at timestamptz not null,
  used_at timestamptz
);
create index on one_time_tokens (account_id, purpose);

-- Keyed hashes only, of addresses that may belong to nobody here: an unknown address locks as a known one does.
create table sign_in_attempts (
  subject bytea not null,
  source bytea not null,
  failures int not null default 0,
  since timestamptz not null,
  known_at timestamptz,
  primary key (subject, source)
);
create index on sign_in_attempts (since) where known_at is null;

do $$
declare
  name text;
begin
  foreach name in array array['recovery_codes', 'one_time_tokens', 'sign_in_attempts']
  loop
    execute format('alter table %I enable row level security', name);
    execute format('alter table %I force row level security', name);
    execute format('create policy owner_all on %I to companion_owner using (true) with check (true)', name);
    execute format('create policy sign_in on %I to companion_auth using (true) with check (true)', name);
    execute format('grant select, insert, update, delete on %I to companion_auth', name);
  end loop;
end $$;

grant update on profiles to companion_auth;
create policy sign_in_mails on outbox for insert to companion_auth with check (true);
grant insert on outbox to companion_auth;
