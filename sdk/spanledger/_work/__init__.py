"""Measured work (agents, workflows, tasks, tools), its identity, and records of it."""
