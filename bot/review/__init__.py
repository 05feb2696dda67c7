"""Judging what the assistant made of messages: reviews, flags, what to look at next."""
