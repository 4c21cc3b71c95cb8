"""What the API looks at, so that a silent worker is not silent for the operator."""

from db.migrations.support import apply_sql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose what waits for a case.")
