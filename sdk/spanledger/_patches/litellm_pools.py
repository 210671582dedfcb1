"""Batches that LiteLLM asks for in a pool of threads of its own, which start without a context.

Its three functions hand ``litellm.completion`` to their pool, and look it up as they do, in the
caller's thread. There they find it through what :func:`carry` puts in the place of their module's
name ``litellm``: the calls belong to the run, tenant and budgets of who asked for the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from spanledger._work.scope import propagate_context

#: The module of ``batch_completion``, ``batch_completion_models`` and ``..._all_responses``.
POOLS: Final = "litellm.batch_completion.main"


class _Carrying(ModuleType):
    """The library itself, but for the function that its pools are given."""

    def __init__(self, library: ModuleType) -> None:
        super().__init__(library.__name__, library.__doc__)
        vars(self)["_library"] = library

    def __getattr__(self, name: str) -> Any:
        value = getattr(vars(self)["_library"], name)
        return propagate_context(value) if name == "completion" else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(vars(self)["_library"], name, value)

    def __delattr__(self, name: str) -> None:
        delattr(vars(self)["_library"], name)


def carry(module: ModuleType) -> Callable[[], None]:
    """Let the pools of this module run their calls in the context of who asked for them.

    Returns:
        What undoes it.

    Raises:
        AttributeError: the module does not find the function as those do that were tried.
    """
    owner: Any = module
    library = owner.litellm
    library.completion  # noqa: B018 -- where it is not there, nothing is put in its place
    owner.litellm = _Carrying(library)

    def undo() -> None:
        if isinstance(owner.litellm, _Carrying):
            owner.litellm = library

    return undo
