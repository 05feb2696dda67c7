"""Rasa's custom actions: look up a published answer, or hand over to staff."""
