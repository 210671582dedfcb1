"""Drawings: figures of the ledger as places and sizes; nothing here is shown as a number."""
