"""Runs the migrations as the owner role, with lock timeouts so that a busy service is never held up for long."""

from alembic import context
from sqlalchemy import create_engine, text

LOCK_TIMEOUT = "5s"


def run() -> None:
    engine = create_engine(context.config.attributes["dsn"])
    with engine.connect() as connection:
        # Whoever migrates at the same time waits for us; only locks on tables time out.
        connection.execute(text("select pg_advisory_lock(727001)"))
        connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.commit()
        context.configure(connection=connection, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
