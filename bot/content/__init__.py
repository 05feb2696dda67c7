"""The clinic's answers: files, checks, versions and lookup."""
