"""The job queue, in the same database so that jobs commit with what they are about."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        raise RuntimeError("Alembic gave no connection.")
    with connection.cursor() as cursor:
        cursor.execute(SchemaManager.get_schema())
        cursor.execute(
            """
            do $$
            declare
              name text;
            begin
              for name in select tablename from pg_tables where schemaname = 'public' and tablename like 'procrastinate%'
              loop
                execute format('grant select, insert, update, delete on %I to companion_worker', name);
              end loop;
            end $$;
            grant insert, select on procrastinate_jobs, procrastinate_events to companion_app;
            grant usage on all sequences in schema public to companion_app, companion_worker;
            """
        )


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose jobs that were promised.")
