"""Acknowledged requests, kept on disk until the ledger has them.

A request is acknowledged when its record is in a segment file and ``fdatasync`` has returned.
``journal.py`` draws the directory, ``record.py`` the bytes of a record.
"""

from spanledger_collector.journal.journal import Backlog, Damages, Journal
from spanledger_collector.journal.record import Record

__all__ = ["Backlog", "Damages", "Journal", "Record"]
