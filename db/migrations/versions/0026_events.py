"""Events of students' data, signals, reminders and settings of the companion."""

from db.migrations.support import apply_sql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would delete what students wrote down.")
