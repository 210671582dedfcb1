"""What was counted of a list in a call before, while it is still the same.

A conversation is sent whole with every call and grows by its end; its tools are the same each time.
So of a long list a copy is kept of all its mappings and lists (the texts in it are shared), with
what they count. At the next call one comparison, made by the interpreter and not by us, says
whether the list still begins with that, whoever changed what in place; then only the rest is
counted. A list that was made anew with equal content is equal, too.

The newest items are no part of the copy: they are still changed (a mark for the cache wanders).
A copy keeps its texts alive, so there are few, and the oldest goes.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, cast

from spanledger._budgets.prompt_size import Tally, sort_of
from spanledger._calls.answer import fields_of

#: A shorter list is counted each time, at about a microsecond an item.
_LEAST_ITEMS: Final = 12
#: The same of tools, whose items are larger.
_LEAST_TOOLS: Final = 2
_NEWEST: Final = 2
#: A copy is made longer by so many at a time: counting a few again takes less than copying each.
_LEAST_NEW: Final = 6
#: Lists that are remembered, and bytes of text in one of them and in all.
_MAX_LISTS: Final = 64
_MAX_BYTES: Final = 2_000_000
_MAX_BYTES_IN_ALL: Final = 16_000_000
_DEEPEST: Final = 50
#: How deep the text is looked for that tells one conversation from another.
_MARK_DEPTH: Final = 4
_MARKED: Final = ("content", "text", "parts", "function", "name")
_TOOLS: Final = frozenset({"tools", "functions"})
_ATOMS: Final = frozenset({str, int, float, bool, bytes, type(None)})


class _UnkeptError(Exception):
    """Something of which no copy can be made."""


class _Counted(NamedTuple):
    """The beginning of a list.

    Attributes:
        items: copies.
        alive: the fields of the objects in it.
        fields: copies of them.
        tally: what all of it counts.
    """

    items: list[Any]
    alive: list[dict[str, Any]]
    fields: list[dict[str, Any]]
    tally: Tally

    def begins(self, items: list[Any]) -> bool:
        """Whether the list begins with this."""
        size = len(self.items)
        try:
            return size <= len(items) and items[:size] == self.items and self.alive == self.fields
        except Exception:  # noqa: BLE001 - whatever somebody's object has against being compared
            return False


_lists: Final[dict[object, _Counted]] = {}


def forget() -> None:
    """Know nothing, as at first."""
    _lists.clear()


def count(name: str, value: Any, tally: Tally) -> None:
    """Count a parameter of a request.

    Args:
        name: of the parameter.
        value: its value.
        tally: what it is counted in.
    """
    plain = name in _TOOLS
    if type(value) is not list:
        tally.add(value, plain=plain)
        return
    items = cast("list[Any]", value)
    if len(items) < (_LEAST_TOOLS if plain else _LEAST_ITEMS) or type(items[0]) in _ATOMS:
        tally.add(items, plain=plain)
        return
    kept = len(items) if plain else len(items) - _NEWEST
    tally.items += len(items)
    tally.plus(_beginning(name, items, kept, plain=plain))
    for item in items[kept:]:
        tally.add(item, plain=plain)


def _beginning(name: str, items: list[Any], kept: int, *, plain: bool) -> Tally:
    """What so many items count, of which most may be known."""
    key = (name, _mark(items[0]), _mark(items[1]))
    known = _lists.get(key)
    if known is not None and (len(known.items) > kept or not known.begins(items)):
        known = None
    tally, begun = Tally(), 0
    if known is not None:
        tally.plus(known.tally)
        begun = len(known.items)
    for item in items[begun:kept]:
        tally.add(item, plain=plain)
    if kept - begun >= (1 if plain or known is None else _LEAST_NEW):
        _keep(key, known, items[begun:kept], tally)
    return tally


def _keep(key: object, known: _Counted | None, added: list[Any], tally: Tally) -> None:
    size = tally.utf8_bytes + sum(part.size or 0 for part in tally.parts)
    if not tally.readable or size > _MAX_BYTES:
        _lists.pop(key, None)
        return
    alive = [] if known is None else known.alive.copy()
    fields = [] if known is None else known.fields.copy()
    try:
        copies = [_copied(item, alive, fields) for item in added]
    except _UnkeptError:
        return
    _lists.pop(key, None)  # the newest is the last
    own = Tally()
    own.plus(tally)
    _lists[key] = _Counted([*([] if known is None else known.items), *copies], alive, fields, own)
    _let_go()


def _let_go() -> None:
    """Forget the oldest where there are too many; other threads may be at it, too."""
    kept = list(_lists.copy().items())
    left = sum(one.tally.utf8_bytes for _, one in kept)
    for number, (key, one) in enumerate(kept):
        if len(kept) - number <= _MAX_LISTS and left <= _MAX_BYTES_IN_ALL:
            return
        _lists.pop(key, None)
        left -= one.tally.utf8_bytes


def _copied(
    value: Any, alive: list[dict[str, Any]], fields: list[dict[str, Any]], depth: int = 0
) -> Any:
    """A copy of its mappings and lists; an object stays, and its fields are kept beside."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind in _ATOMS:
        return value
    if depth > _DEEPEST:
        raise _UnkeptError
    if kind is dict:
        return {name: _copied(one, alive, fields, depth + 1) for name, one in value.items()}
    if kind is list:
        return [_copied(one, alive, fields, depth + 1) for one in value]
    if kind is tuple:
        return tuple([_copied(one, alive, fields, depth + 1) for one in value])
    own = getattr(value, "__dict__", None)
    if type(own) is not dict or sort_of(value) != "object":
        raise _UnkeptError
    unknown = getattr(value, "__pydantic_extra__", None)
    for one in cast("list[dict[str, Any]]", [own] if unknown is None else [own, unknown]):
        copied = _copied(one, alive, fields, depth + 1)
        alive.append(one)
        fields.append(copied)
    return value


def _mark(value: Any, depth: int = 0) -> int:
    """A number that tells it from what stands at the same place of another conversation."""
    if type(value) is str:
        return hash(value)
    if depth > _MARK_DEPTH:
        return 0
    if type(value) is list:
        items = cast("list[Any]", value)
        return _mark(items[0], depth + 1) if items else 0
    own = fields_of(value)
    inner = next((own[name] for name in _MARKED if own.get(name) is not None), None)
    return 0 if inner is None else _mark(inner, depth + 1)
