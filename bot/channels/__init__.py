"""The doors patients come through."""
