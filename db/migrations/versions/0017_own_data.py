"""What a student decides about their own data: uses, people to call, deletion."""

from db.migrations.support import apply_sql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose decisions and undo deletions.")
