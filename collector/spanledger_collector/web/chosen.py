"""What is chosen on a dashboard of Grafana, as filters of the pages that it leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

#: Grafana's variable in an address -> the filter of a page.
_VARIABLES: Final = {"var-agent": "agent", "var-version": "version"}
_ALL: Final = ("$__all", "All", "")
#: Before the name of a filter: several were chosen, of which a page shows none alone.
SEVERAL: Final = "several_"


def of_dashboard(given: Mapping[str, str], values: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """A URL's query with filters in place of a dashboard's variables.

    A page shows one agent and one version, or all: of several it shows all, and says so.

    Args:
        given: the query.
        values: the same, every value of a name; those of variables are names in hex, as they stand
            in a dashboard.
    """
    kept = {name: value for name, value in given.items() if name not in _VARIABLES}
    for variable, name in _VARIABLES.items():
        chosen = [_name(value) for key, value in values if key == variable and value not in _ALL]
        if chosen and not kept.get(name):
            kept[name if len(chosen) == 1 else SEVERAL + name] = ", ".join(chosen)
    return kept


def _name(value: str) -> str:
    """The name; what is no hex was typed, and is one."""
    try:
        return bytes.fromhex(value).decode("utf-8", "replace")
    except ValueError:
        return value
