"""Calls of a client that leave no span: those that cost money, and those with nothing to tell.

A name is ``<module>.<Class>.<method>``; one that ends in ``.*`` stands for all that begins so. Of
two that fit, the longer one holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Begins the reason of a call that is billed, or may be, and that the ledger does not know.
NOT_YET: Final = "not metered yet"
#: Begins the reason of a call that costs nothing by itself.
NOTHING: Final = "nothing to meter"

STORED: Final = f"{NOTHING}: reads or changes what is stored; no tokens are billed"
NO_REQUEST: Final = f"{NOTHING}: makes no request"
MACHINERY: Final = f"{NOTHING}: what other methods make their request with"
COUNTS: Final = f"{NOTHING}: counts tokens"
FETCHED: Final = f"{NOTHING}: its answers are told when they are fetched"
INSIDE: Final = f"{NOTHING}: its calls go through patched methods"
MODEL_CALLS: Final = f"{NOT_YET}: makes model calls that are billed"
BY_PATH: Final = f"{NOT_YET}: a request by its path may make a model call that is billed"
SESSIONS: Final = f"{NOT_YET}: sessions over a socket or by voice are billed"
MEDIA: Final = f"{NOT_YET}: billed by the picture, second, hour, character or page"
TRAINING: Final = f"{NOT_YET}: training, and models of one's own, are billed"
MACHINES: Final = f"{NOT_YET}: billed by the time of a machine or a sandbox"
TOOLS: Final = f"{NOT_YET}: tools that the provider runs may be billed"
STORAGE: Final = f"{NOT_YET}: storage, indexing or searches are billed"


def under(package: str, reason: str, *names: str) -> dict[str, str]:
    """These names of one package, module or class, all for one reason."""
    return {f"{package}.{name}": reason for name in names}


def reason_of(name: str, gaps: Mapping[str, str]) -> str:
    """Why this method is not told; empty where no gap fits it."""
    fitting = [gap for gap in gaps if covers(gap, name)]
    return gaps[max(fitting, key=len)] if fitting else ""


def covers(gap: str, name: str) -> bool:
    """Whether a name, or all that begins like it, includes this method."""
    return name.startswith(gap[:-1]) if gap.endswith(".*") else name == gap


def costly_first(gaps: Mapping[str, str]) -> dict[str, str]:
    """The same gaps, those that cost money before those that do not."""
    return dict(sorted(gaps.items(), key=lambda gap: not gap[1].startswith(NOT_YET)))
