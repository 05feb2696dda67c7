"""Telling staff of escalations: by e-mail and by webhook, up a ladder of contacts."""
