"""Screening again what a broken layer missed, and mail that belongs to no campus."""

from db.migrations.support import apply_sql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose first verdicts.")
