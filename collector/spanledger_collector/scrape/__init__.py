"""Asks the ``/metrics`` of inference engines, for those who run no OpenTelemetry Collector.

``document`` reads which servers are asked; ``exposition`` turns an answer into OTLP, pure;
``scraper`` asks, and hands what it got on as if it had been sent.
"""

from .document import Target, read_targets
from .scraper import Scraper

__all__ = ["Scraper", "Target", "read_targets"]
