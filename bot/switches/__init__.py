"""Switches: turning the assistant, a channel or one answer off and on."""
