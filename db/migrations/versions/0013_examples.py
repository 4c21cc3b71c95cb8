"""Examples: what a student agreed to, and the messages that screening got wrong, kept with that consent alone."""

from db.migrations.support import apply_sql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose who agreed to what.")
