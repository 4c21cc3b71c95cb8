"""Canvas is read only with the student's consent."""

from db.migrations.support import apply_sql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would end what students allowed.")
