"""What self-hosted calls cost: the billed time of GPUs, dealt out to the calls that they served.

``document`` reads the operator's pools; ``window`` is the work on one pool and stretch of time, and
``measured`` what its boards drew in one, both pure; ``closing`` looks for windows that are over;
``unfinished`` writes ``gpu_shares`` of them, has the traces settled whose calls got a cost, and
writes ``gpu_windows`` (``rows``); ``energy`` writes ``gpu_energy`` beside it.
"""

from .closing import Closer
from .document import Pool, read_pools

__all__ = ["Closer", "Pool", "read_pools"]
