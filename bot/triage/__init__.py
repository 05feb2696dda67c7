"""Triage: patient text in, verdict out. Imports nothing of web, database or Rasa."""
