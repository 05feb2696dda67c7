"""Conversations: intake, transcript, escalations, erasure."""
