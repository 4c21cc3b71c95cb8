"""Review: the severity of a case falls by a person alone, and a case ends with an outcome of the protocol."""

from db.migrations.support import apply_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose who was told of what.")
