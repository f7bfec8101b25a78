"""Tokens seen, and feedback on cards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INSTANT = sa.DateTime(timezone=True)
_INDEXED = ("rule_prefix", "card", "outcome_time")


def upgrade() -> None:
    """Make the first two tables."""
    op.create_table(
        "seen_token",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("expires", _INSTANT, nullable=False),
    )
    op.create_index("ix_seen_token_expires", "seen_token", ["expires"])
    op.create_table(
        "feedback",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("rule_prefix", sa.String(12), nullable=False),
        sa.Column("card", sa.String(128), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("suggestions", sa.JSON, nullable=False),
        sa.Column("reason_system", sa.Text, nullable=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        sa.Column("reason_display", sa.Text, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("outcome_time", _INSTANT, nullable=False),
        sa.Column("received", _INSTANT, nullable=False),
    )
    for column in _INDEXED:
        op.create_index(f"ix_feedback_{column}", "feedback", [column])


def downgrade() -> None:
    """Remove both tables, and what they hold."""
    op.drop_table("feedback")
    op.drop_table("seen_token")
