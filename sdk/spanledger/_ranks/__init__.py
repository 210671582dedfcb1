"""The o200k_base merge ranks, found on this machine and never downloaded.

``tiktoken`` fetches its rank files over the network, without a timeout and under a global lock; an
application may not be made to wait for that. This package ships the ranks as a compact blob
(`blob`), finds other copies when the blob is not usable (`sources`), and builds the blob from a
rank file (``python -m spanledger._ranks.build FILE``). Whatever the origin, its SHA-256 is checked.
"""

from spanledger._ranks.sources import find_ranks

__all__ = ["find_ranks"]
