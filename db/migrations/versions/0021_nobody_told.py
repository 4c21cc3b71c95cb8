"""What nobody was told of, nobody sees."""

from db.migrations.support import apply_sql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    apply_sql(revision)


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: going back would open what students were told nobody sees.")
