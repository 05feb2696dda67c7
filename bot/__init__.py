"""The clinic assistant: everything but the Rasa actions."""
