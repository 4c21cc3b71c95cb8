"""Entries of questionnaires and logs, and the wording that a campus loads for them."""

from db.migrations.support import apply_sql

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would delete what students wrote down.")
