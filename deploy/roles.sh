#!/bin/sh
# Makes the four login roles in a new database, as the superuser. PostgreSQL's image runs it once; elsewhere run it by
# hand with PGHOST, PGUSER and the four passwords set.
set -eu
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-companion}" \
  -v owner="$COMPANION_OWNER_PASSWORD" -v app="$COMPANION_APP_PASSWORD" \
  -v worker="$COMPANION_WORKER_PASSWORD" -v auth="$COMPANION_AUTH_PASSWORD" <<'SQL'
create role companion_owner login nosuperuser nobypassrls nocreatedb nocreaterole password :'owner';
create role companion_app login nosuperuser nobypassrls nocreatedb nocreaterole password :'app';
create role companion_worker login nosuperuser nobypassrls nocreatedb nocreaterole password :'worker';
create role companion_auth login nosuperuser nobypassrls nocreatedb nocreaterole password :'auth';
create extension if not exists vector;
select format('alter database %I owner to companion_owner', current_database()) \gexec
alter schema public owner to companion_owner;
revoke all on schema public from public;
grant usage on schema public to companion_app, companion_worker, companion_auth;
SQL
