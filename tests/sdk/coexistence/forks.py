"""Cases that run in a fork each: not every instrumentation can be taken off again."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TextIO, cast

Calls = Sequence[Mapping[str, Any]]
Case = Mapping[str, Any]


def tell(made: Calls) -> None:
    """One line of JSON, past what the others print."""
    results = cast("TextIO", sys.__stdout__)
    results.write(json.dumps(made) + "\n")
    results.flush()


def each_in_a_fork(cases: Iterable[Case], run: Callable[[Case], Calls]) -> None:
    """Tell what every case made, in order; what is imported is imported once, before."""
    gc.freeze()  # no fork looks through all the modules for garbage
    for case in cases:
        child = os.fork()
        if not child:
            tell(run(case))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"failed: {case}")
