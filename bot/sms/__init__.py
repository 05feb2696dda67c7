"""The SMS line: numbers, consent, the inbox and the outbox, and the providers behind it."""
