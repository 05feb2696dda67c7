"""Turning a reply into what a channel can carry. Imports nothing of web, database or Rasa."""
