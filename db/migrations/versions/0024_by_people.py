"""Cases end and fall, and verdicts get milder, by people alone."""

from db.migrations.support import apply_sql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would let software close a case.")
