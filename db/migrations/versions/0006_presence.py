"""Presence: when the student's page of a conversation that needs a person was last open."""

from db.migrations.support import apply_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead.")
