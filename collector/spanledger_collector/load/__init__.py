"""Load: journal records become rows of ``spans``, decoded and normalised by the engine itself.

``dialects.yaml`` says whose attribute names mean what; ``render`` turns it into the SQL of the
transform. ``frame`` wraps a record for the engine, ``batch`` names what one INSERT holds,
``insert`` sends it, ``sender`` finds the record that is refused, ``loader`` is the thread.
"""

from spanledger_collector.load.loader import Loader

__all__ = ["Loader"]
