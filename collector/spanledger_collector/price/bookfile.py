"""The price book as one file: compact JSON, compressed; equal contents give equal bytes.

::

    {"format": 3, "built_at": instant, "upstreams": {package: version},
     "urls": [...], "origins": [...],                      # texts that rows share, by index
     "rates": [name, ...],                                 # the columns of a row's rates
     "rows": [[provider, model, tier, region, over, [[from, until], ...], valid_from,
               valid_to | "", known_from, [rate | null, ...], {unit: [usd, per]}, url, origin],
              ...],
                                                           # append only, in the order appended
     "listings": {provider: {"models": [[id, [clause, ...]], ...],
                             "falls_back_to": [...], "recognises": clause | []}},
     "spellings": {name: provider}, "left_out": [[provider, model, reason], ...]}

``book_id`` is the SHA-256 of the JSON text (sorted keys, no spaces).
"""

import hashlib
import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from spanledger.rates.listings import Listing
from spanledger_collector.errors import ConfigurationError

from .row import OPEN_END, RATE_NAMES, PriceRow, Rates, UnitRate, decimal_text

FORMAT = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything a book file holds.

    Attributes:
        built_at: midnight of the day the book was last changed.
        upstreams: package -> version its data came from.
        rows: the whole history, in the order appended.
        listings: which ids mean which model, by provider.
        spellings: provider name -> the book's name.
        left_out: (provider, model, reason): known models that have no rows on purpose.
    """

    built_at: datetime = _EPOCH
    upstreams: Mapping[str, str] = field(default_factory=dict[str, str])
    rows: Sequence[PriceRow] = ()
    listings: Mapping[str, Listing] = field(default_factory=dict[str, Listing])
    spellings: Mapping[str, str] = field(default_factory=dict[str, str])
    left_out: Sequence[tuple[str, str, str]] = ()


def book_id(text: bytes) -> str:
    """The id of a book whose JSON text this is."""
    return hashlib.sha256(text).hexdigest()


def encode(contents: Contents) -> bytes:
    """The JSON text of a book."""
    urls = sorted({row.source_url for row in contents.rows})
    origins = sorted({row.upstream for row in contents.rows})
    url_index = {url: index for index, url in enumerate(urls)}
    origin_index = {origin: index for index, origin in enumerate(origins)}
    document = {
        "format": FORMAT,
        "built_at": _text(contents.built_at),
        "upstreams": dict(contents.upstreams),
        "urls": urls,
        "origins": origins,
        "rates": RATE_NAMES,
        "rows": [
            [*_fields(row), url_index[row.source_url], origin_index[row.upstream]]
            for row in contents.rows
        ],
        "listings": {name: _told(listing) for name, listing in contents.listings.items()},
        "spellings": dict(contents.spellings),
        "left_out": contents.left_out,
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return text.encode()


def pack(text: bytes) -> bytes:
    """The file of a book's JSON text."""
    return lzma.compress(text, format=lzma.FORMAT_XZ, check=lzma.CHECK_CRC64, preset=9)


def unpack(path: Path) -> bytes:
    """The JSON text of a book file.

    Raises:
        ConfigurationError: the file is missing or damaged.
    """
    try:
        return lzma.decompress(path.read_bytes(), format=lzma.FORMAT_XZ)
    except (OSError, lzma.LZMAError, EOFError) as error:
        raise ConfigurationError(
            f"cannot read the price book {path}: {error}; reinstall spanledger, or give a book "
            f"made by `python -m spanledger_collector.price.build`"
        ) from error


def decode(text: bytes) -> Contents:
    """The contents of a book's JSON text.

    Raises:
        ConfigurationError: another format, or not a book.
    """
    try:
        document = cast("dict[str, Any]", json.loads(text))
        if document["format"] != FORMAT or tuple(document["rates"]) != RATE_NAMES:
            raise ConfigurationError(
                f"the price book has format {document['format']}, this version reads {FORMAT}; "
                f"upgrade spanledger or take the book shipped with it"
            )
        return _contents(document)
    except (ValueError, KeyError, IndexError, TypeError, InvalidOperation) as error:
        raise ConfigurationError(f"this is not a price book: {error!r}") from error


def _contents(document: Mapping[str, Any]) -> Contents:
    urls, origins = list[str](document["urls"]), list[str](document["origins"])
    return Contents(
        built_at=_instant(document["built_at"]),
        upstreams=document["upstreams"],
        rows=tuple(_row(fields, urls, origins) for fields in document["rows"]),
        listings={name: _listing(parts) for name, parts in document["listings"].items()},
        spellings=document["spellings"],
        left_out=[(str(p), str(m), str(r)) for p, m, r in document["left_out"]],
    )


def _told(listing: Listing) -> dict[str, object]:
    """What the book says of a provider's names; what an operator adds is not the book's."""
    told = asdict(listing)
    del told["sells"]
    return told


def _listing(parts: Mapping[str, Any]) -> Listing:
    models = [(str(name), clauses) for name, clauses in parts["models"]]
    return Listing(models, parts["falls_back_to"], parts["recognises"])


def _fields(row: PriceRow) -> list[object]:
    return [
        *row.key,
        row.context_over_tokens,
        row.hours,
        _text(row.valid_from),
        "" if row.valid_to == OPEN_END else _text(row.valid_to),
        _text(row.known_from),
        [None if rate is None else decimal_text(rate) for rate in row.rates.values()],
        {unit: [decimal_text(usd), per] for unit, (usd, per) in row.rates.units.items()},
    ]


def _row(fields: Sequence[Any], urls: Sequence[str], origins: Sequence[str]) -> PriceRow:
    provider, model, tier, region, over, hours, start, end, known, rates, units, url, origin = (
        fields
    )
    tokens = [None if rate is None else Decimal(rate) for rate in rates]
    beside = {unit: UnitRate(Decimal(usd), int(per)) for unit, (usd, per) in units.items()}
    return PriceRow(
        provider=provider,
        model=model,
        service_tier=tier,
        context_over_tokens=int(over),
        valid_from=_instant(start),
        valid_to=_instant(end) if end else OPEN_END,
        known_from=_instant(known),
        rates=Rates(*tokens, units=beside),
        source_url=urls[int(url)],
        upstream=origins[int(origin)],
        region=region,
        hours=tuple((int(first), int(last)) for first, last in hours),
    )


def _text(instant: datetime) -> str:
    """Shortest ISO form: the date alone at midnight UTC."""
    text = instant.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")


def _instant(text: str) -> datetime:
    """``fromisoformat`` of Python 3.10 knows no Z."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
