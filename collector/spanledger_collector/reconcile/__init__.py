"""The ledger against a provider's bill: what differs, by day and model, and why.

``export`` reads a provider's export into bill lines (one file a format), ``overlap`` refuses what
is given twice; ``variance`` splits the
difference of one day and model into causes, exactly; ``names`` finds the models of a bill in the
ledger; ``reconciliation`` brings them together.
"""

from .bill import BillLine, Remark
from .export import FORMATS, Export, read_export
from .names import Book
from .overlap import refuse_overlaps
from .reconciliation import Difference, Reconciliation, reconcile
from .variance import CAUSES, Cause

__all__ = [
    "CAUSES",
    "FORMATS",
    "BillLine",
    "Book",
    "Cause",
    "Difference",
    "Export",
    "Reconciliation",
    "Remark",
    "read_export",
    "reconcile",
    "refuse_overlaps",
]
