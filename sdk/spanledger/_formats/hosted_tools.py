"""What the tools that a provider runs itself cost beside tokens, from a response of OpenAI's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from spanledger import semconv
from spanledger._calls.answer import count, fields_of, text, whole

#: Sandboxes that were told already, newest last: several responses share one, which is billed once.
_containers: Final[dict[str, None]] = {}
_MAX_CONTAINERS: Final = 4096


def units_of(response: Any) -> Mapping[str, int] | None:
    """Requests of hosted tools, by the unit each is billed in; None where there are none."""
    units: Counter[str] = Counter()
    told = fields_of(fields_of(response).get("tool_usage"))
    billable = whole(fields_of(told.get("web_search")).get("num_requests"))
    drawn = fields_of(told.get("image_gen"))
    units[semconv.UNIT_IMAGE_TOOL_TOKENS] += count(drawn.get("total_tokens")) or (
        count(drawn.get("input_tokens")) + count(drawn.get("output_tokens"))
    )
    for item in getattr(response, "output", None) or ():
        kind = text(getattr(item, "type", None))
        if kind == "web_search_call" and billable is None:
            units[_search_unit(response)] += _is_search(item)
        elif kind == "file_search_call":
            units[semconv.UNIT_FILE_SEARCHES] += 1
        elif kind == "code_interpreter_call" and _is_new(text(getattr(item, "container_id", None))):
            units[_container_unit(response)] += 1
    if billable:
        units[_search_unit(response)] += billable
    return {unit: number for unit, number in units.items() if number} or None


def _is_search(item: Any) -> bool:
    """Opening a page and finding a text in it are free; older clients do not tell them apart."""
    action = text(getattr(getattr(item, "action", None), "type", None))
    return action in ("", "search")


def _tools(response: Any) -> Iterator[tuple[str, Any]]:
    for tool in getattr(response, "tools", None) or ():
        yield text(getattr(tool, "type", None)), tool


def _search_unit(response: Any) -> str:
    preview = any(kind.startswith("web_search_preview") for kind, _ in _tools(response))
    return semconv.UNIT_WEB_SEARCHES_PREVIEW if preview else semconv.UNIT_WEB_SEARCHES


def _container_unit(response: Any) -> str:
    """Sandboxes with more memory have another price."""
    for kind, tool in _tools(response):
        if kind == "code_interpreter":
            memory = text(fields_of(getattr(tool, "container", None)).get("memory_limit"))
            if memory:
                return f"{semconv.UNIT_CODE_CONTAINERS}.{memory}"
    return semconv.UNIT_CODE_CONTAINERS


def _is_new(container: str) -> bool:
    """Whether this process has not told this sandbox yet."""
    if not container or container in _containers:
        return False
    _containers[container] = None
    if len(_containers) > _MAX_CONTAINERS:
        _containers.pop(next(iter(_containers)), None)
    return True
