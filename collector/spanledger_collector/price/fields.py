"""What the entries of a price file are made of."""

from datetime import datetime, timezone
from decimal import Decimal
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
)


def _utc(value: datetime) -> datetime:
    """A date is its midnight UTC; a time without an offset is UTC."""
    return value if value.tzinfo else value.replace(tzinfo=timezone.utc)


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f'write the rate as a quoted string: "{value}"')  # noqa: TRY004 pydantic collects ValueError only
    return value


#: ISO 4217.
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Instant = Annotated[datetime, AfterValidator(_utc)]
Amount = Annotated[Decimal, BeforeValidator(_quoted), Field(ge=0, allow_inf_nan=False)]
