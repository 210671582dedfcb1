"""The four kinds of measured work, and where the name, version and id of each are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from spanledger import semconv
from spanledger._work import scope


class Description(NamedTuple):
    """One piece of work: the first arguments of ``activation.Definition``."""

    operation: str
    name: str
    attributes: Mapping[str, str]
    entries: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class WorkKind:
    """One kind of work and its attribute names."""

    operation: str
    name: str
    version: str
    id: str
    inherited: bool
    """Whether name, version and id also go on every span below (as baggage)."""

    def own(self, version: object, identifier: object) -> dict[str, str]:
        """Version and id as attributes; None is left out."""
        given = {self.version: version, self.id: identifier}
        return {key: scope.clean(value) for key, value in given.items() if value is not None}

    def describe(
        self, own: Mapping[str, str], entries: Mapping[str, str | None], name: str
    ) -> Description:
        """One piece of work of this kind.

        Args:
            own: from :meth:`own`.
            entries: identity beside the name, for this span and everything below.
            name: as it was given.
        """
        named = {self.name: scope.clean(name) or "unnamed", **own}
        if self.inherited:
            # What is not given is removed: an inner agent has not the outer agent's version.
            identity = {self.version: None, self.id: None, **named, **entries}
            return Description(self.operation, named[self.name], {}, identity)
        return Description(self.operation, named[self.name], named, entries)


#: One agent. Each execution is a run: everything below carries its id, name, version and tenant.
AGENT: Final = WorkKind(
    semconv.OPERATION_INVOKE_AGENT,
    semconv.AGENT_NAME,
    semconv.AGENT_VERSION,
    semconv.AGENT_ID,
    inherited=True,
)
#: Several agents or steps that belong together; its name goes on everything below.
WORKFLOW: Final = WorkKind(
    semconv.OPERATION_INVOKE_WORKFLOW,
    semconv.WORKFLOW_NAME,
    semconv.WORKFLOW_VERSION,
    semconv.WORKFLOW_ID,
    inherited=True,
)
#: A step of plain code inside an agent.
TASK: Final = WorkKind(
    semconv.OPERATION_TASK,
    semconv.TASK_NAME,
    semconv.TASK_VERSION,
    semconv.TASK_ID,
    inherited=False,
)
#: A tool that an agent calls; its id is the id of the tool call the model asked for.
TOOL: Final = WorkKind(
    semconv.OPERATION_EXECUTE_TOOL,
    semconv.TOOL_NAME,
    semconv.TOOL_VERSION,
    semconv.TOOL_CALL_ID,
    inherited=False,
)
