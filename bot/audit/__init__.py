"""The audit log: who did what, insert-only and chained."""
