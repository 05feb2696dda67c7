"""The dialogue server: its client, its channel, its tracker store."""
