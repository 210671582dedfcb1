"""The deliveries that settings ask for: one a destination, and the spool of the one that counts."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from opentelemetry.sdk.trace.export import SpanExporter

from spanledger._delivery.processor import DeliveryProcessor
from spanledger._delivery.sender import (
    ExporterSender,
    console_sender,
    load_transport,
    make_sender,
)
from spanledger.config import Settings
from spanledger.errors import ConfigurationError

if TYPE_CHECKING:  # needs a system with file locks
    from spanledger._delivery.spooled_spans import SpanSpool

_log = logging.getLogger("spanledger")


def outlets(
    settings: Settings, exporter: SpanExporter | None, before_exit: Callable[[float], object]
) -> list[DeliveryProcessor]:
    """One delivery for each exporter that was asked for.

    Args:
        settings: Where to, how, and the limits.
        exporter: The application's own, instead of those that the settings name.
        before_exit: As :class:`DeliveryProcessor` takes it.
    """
    if exporter is not None:
        given = functools.partial(ExporterSender, exporter)
        return [DeliveryProcessor(settings, given, before_exit, _spool(settings))]
    if "otlp" in settings.exporters:
        load_transport(settings)
    elif settings.spool:
        _log.warning("no spool: it keeps what spanledger itself sends by OTLP, which is off")
    connections = {"otlp": lambda: make_sender(settings), "console": console_sender}
    return [
        DeliveryProcessor(
            settings,
            connections[name],
            before_exit,
            _spool(settings) if name == "otlp" else None,
        )
        for name in settings.exporters
    ]


def _spool(settings: Settings) -> SpanSpool | None:
    """The spool that was asked for; None (and a warning) where it cannot be used."""
    if not settings.spool:
        return None
    try:
        from spanledger._delivery.spool import Spool
        from spanledger._delivery.spooled_spans import SpanSpool

        return SpanSpool(Spool(Path(settings.spool), settings.spool_bytes))
    except ImportError:
        _log.warning("no spool: this system has no file locks (fcntl)")
    except ConfigurationError as error:
        _log.warning("no spool: %s", error)
    return None
