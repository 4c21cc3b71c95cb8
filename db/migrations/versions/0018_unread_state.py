"""States that cannot be read are kept."""

from db.migrations.support import apply_sql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose states that an older version may read.")
