"""Migrations are plain SQL files; Alembic keeps their order."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def apply_sql(revision: str) -> None:
    """Run the SQL file of a revision in Alembic's transaction."""
    run_script(next(SQL.glob(f"{revision}_*.sql")).read_text())


def run_script(script: str) -> None:
    """Run several statements at once, as psycopg does when there are no parameters."""
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        raise RuntimeError("Alembic gave no connection.")
    cursor = connection.cursor()
    cursor.execute(script)
    cursor.close()
