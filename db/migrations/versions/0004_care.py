"""Care: rosters, ladders, attempts, confidential and synthetic cases, crisis terms, alarms, probes."""

from db.migrations.support import apply_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose who was told of what.")
