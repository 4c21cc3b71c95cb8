"""After a case: how a student wants to hear of a check-in, and caring notes that a counselor chose to send."""

from db.migrations.support import apply_sql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would forget what a student chose.")
