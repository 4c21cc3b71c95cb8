"""What a student lets the service read in Canvas: connections, tokens, the mirror."""

from db.migrations.support import apply_sql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would end what students allowed.")
