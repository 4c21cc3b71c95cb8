"""Deletion waits for an open case and is done by the owner alone."""

from db.migrations.support import apply_sql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose what waits for a case.")
