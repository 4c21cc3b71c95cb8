"""Knowledge: documents, passages, vectors and postings."""

from db.migrations.support import apply_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would lose what an institution added.")
