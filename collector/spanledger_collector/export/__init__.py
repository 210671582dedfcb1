"""The ledger as files: CSV and Parquet by run, agent, attempt or day, and FOCUS for FinOps tools.

A period is read in pieces of bounded size and written as it is read; a file appears when it is
complete, or not at all.
"""

from spanledger_collector.export.tables import FORMATS, GRAINS, Exported, tables
from spanledger_collector.export.write import export

__all__ = ["FORMATS", "GRAINS", "Exported", "export", "tables"]
