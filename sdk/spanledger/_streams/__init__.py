"""Answers that are read piece by piece: watched on their way, never read by us."""
