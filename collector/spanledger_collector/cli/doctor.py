"""``spanledger doctor``: is everything in place? Patches, exporter, collector."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from spanledger._doctor import ClientReport, DoctorReport, examine
from spanledger._patches.patching import PatchState
from spanledger_collector.config import settings
from spanledger_collector.errors import CollectorError
from spanledger_collector.price import PriceBook
from spanledger_collector.query import RemoteReader

from .grid import Grid
from .options import DEFAULT_ADDRESS, Json, Url
from .output import console, counted, print_json, text

_CLIENT_COLUMNS = ("client", "installed", "supported from", "patches", "remarks")
_OFF = (PatchState.MISSING, PatchState.PENDING, PatchState.COVERED)
_FRAMEWORK_COLUMNS = ("framework", *_CLIENT_COLUMNS[1:])
_ENGINE_COLUMNS = ("engine", *_CLIENT_COLUMNS[1:4], "loads of models", "remarks")
#: Methods that load a model.
_LOADING = ("from_pretrained", "__init__")


def doctor(url: Url = DEFAULT_ADDRESS, as_json: Json = False) -> None:
    """What is instrumented, what is not and why, and whether a collector answers.

    Example: spanledger doctor --json
    """
    found = examine()
    collector = _collector(url)
    if as_json:
        told = {"prices": book_age(), "collector": collector}
        print_json({**dataclasses.asdict(found), **told})
        return
    out = console()
    out.print(Grid("Clients", _CLIENT_COLUMNS, _rows(found.clients)))
    out.print(Grid("Agent frameworks", _FRAMEWORK_COLUMNS, _rows(found.frameworks)))
    out.print(Grid("Engines in this process", _ENGINE_COLUMNS, _engines(found.engines)))
    out.print(Grid("Not metered", ("client", "call", "why"), _gaps(found)))
    out.print(f"exporter   {text(found.exporter)}")
    for name, value in found.settings.items():
        out.print(f"setting    {text(name)}={text(value)}")
    for place, number in found.internal_errors.items():
        out.print(f"error      {counted(number, 'error')} in {text(place)}")
    out.print(f"prices     {text(book_age())}")
    out.print(f"collector  {text(str(collector.get('state')))}")
    if unsettled := _unsettled(collector):
        out.print(f"unsettled  {text(unsettled)}")


def _rows(clients: Sequence[ClientReport]) -> Iterator[Sequence[str]]:
    for client in clients:
        yield (
            text(client.client),
            text(client.version or "not installed"),
            text(client.minimum),
            _patches(client),
            text(" ".join(client.notes)),
        )


def _engines(engines: Sequence[ClientReport]) -> Iterator[Sequence[str]]:
    for engine, (*others, remarks) in zip(engines, _rows(engines), strict=True):
        told = any(
            patch.target.endswith(_LOADING) and patch.state is PatchState.INSTALLED
            for patch in engine.patches
        )
        loads = "-" if not engine.version else "told" if told else "not told"
        yield (*others, loads, remarks)


def _patches(client: ClientReport) -> str:
    """How many patches are on, and each one by name that should be and is not."""
    if not client.version:
        return "-"
    on = sum(patch.state is PatchState.INSTALLED for patch in client.patches)
    failed = [
        f"{patch.target}: {patch.detail}"
        for patch in client.patches
        if patch.state in _OFF and not patch.optional
    ]
    return text("; ".join([f"{on} on", *failed]))


def _gaps(found: DoctorReport) -> Iterator[Sequence[str]]:
    for client in (*found.clients, *found.frameworks, *found.engines):
        for call, reason in client.not_metered.items():
            yield text(client.client), text(call), text(reason)


def book_age() -> str:
    """How old the prices are that a collector with these settings uses, or why it has none.

    Those that changed since are not known.
    """
    try:
        config = settings({})
        book = PriceBook.shipped(book_file=config.price_book)
    except CollectorError as error:
        return str(error)
    days = book.age(datetime.now(timezone.utc)).days
    old = days > config.price_book_max_age_days
    advice = "; upgrade, or run `spanledger prices update`" if old else ""
    place = f" ({config.price_book})" if config.price_book else ""
    return f"book of {book.built_at:%Y-%m-%d}{place}, {counted(days, 'day')} old{advice}"


def _unsettled(collector: Mapping[str, Any]) -> str:
    """Traces that the collector settles later, or cannot settle; empty = none."""
    states = {"parked_traces": "waiting", "refused_traces": "refused"}
    told = [
        f"{counted(int(collector[name]), 'trace')} {state}"
        for name, state in states.items()
        if collector.get(name)
    ]
    reasons = f"{' and '.join(told)}: reasons are in the table parked_traces" if told else ""
    requested = int(collector.get("requested_traces", 0))
    again = f"{counted(requested, 'trace')} being settled again" if requested else ""
    return "; ".join(filter(None, (reasons, again)))


def _collector(url: str) -> dict[str, Any]:
    """What the collector says of itself, or why it says nothing."""
    scheme = url.partition("://")[0]
    if scheme in ("chdb", "http", "https"):
        return {"state": f"not asked: {scheme}:// is the database itself"}
    try:
        health = RemoteReader.at(url).health()
    except CollectorError as error:
        return {"state": str(error)}
    return {"state": f"answers at {url}", **health}
