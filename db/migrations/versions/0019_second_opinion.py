"""A second opinion on a screening: on record, and able to raise only."""

from db.migrations.support import apply_sql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would forget what a second opinion raised.")
