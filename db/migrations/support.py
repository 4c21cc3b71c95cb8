"""Migrations are plain SQL files; Alembic keeps their order."""

from pathlib import Path

from alembic import op

SQL = Path(__file__).parent / "sql"


def apply_sql(revision: str) -> None:
    """Run the SQL file of a revision in Alembic's transaction."""
    connection = op.get_bind().connection.dbapi_connection
    if connection is None:
        raise RuntimeError("Alembic gave no connection.")
    with connection.cursor() as cursor:
        cursor.execute(next(SQL.glob(f"{revision}_*.sql")).read_text())
