"""Whose feedback it is, where one client speaks for several tenants."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; a process of the version before, which does not know it, leaves it empty."""
    op.add_column("feedback", sa.Column("tenant", sa.Text, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    """Remove it: feedback of several tenants becomes their client's."""
    op.drop_column("feedback", "tenant")
