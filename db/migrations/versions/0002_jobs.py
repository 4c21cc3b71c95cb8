"""The job queue, in the same database so that jobs commit with what they are about."""

from procrastinate.schema import SchemaManager

from db.migrations.support import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

GRANTS = """
do $$
declare
  name text;
begin
  for name in select tablename from pg_tables where schemaname = 'public' and tablename ~ '^procrastinate'
  loop
    execute format('grant select, insert, update, delete on %I to companion_worker', name);
  end loop;
end $$;
grant insert, select on procrastinate_jobs, procrastinate_events to companion_app;
grant usage on all sequences in schema public to companion_app, companion_worker;
grant select on alembic_version to companion_app, companion_worker;
"""


def upgrade() -> None:
    run_script(SchemaManager.get_schema())
    run_script(GRANTS)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose jobs that were promised.")
