"""What a student says about their own work: importance, time taken, free hours, how full a week felt."""

from db.migrations.support import apply_sql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose what students said about their work.")
