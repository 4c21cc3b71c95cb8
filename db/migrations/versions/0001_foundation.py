"""Accounts, conversations, turns, cases, wellness and tasks, with their row-level security."""

from db.migrations.support import apply_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose what students wrote.")
