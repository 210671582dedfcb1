"""Rates of GPUs of one's own, as a file of prices tells them.

::

    gpu_hours:
      - { gpu: chat, usd_per_hour: "2.95", valid_from: 2026-11-01, why: on demand }
      - { gpu: chat, usd_per_hour: "1.25", valid_from: 2026-11-10, why: spot }
      - gpu: NVIDIA L4
        valid_from: 2026-01-01
        owned: { capex_usd: "2600", life_hours: 26280, kilowatts: "0.072", usd_per_kwh: "0.21" }
        why: bought in December
      - gpu: chat
        valid_from: 2026-12-01
        valid_to: 2027-12-01
        reserved: { upfront_usd: "8760", hourly_usd: "1.10", term_hours: 8760 }
        why: a year, the half of it paid at once
"""

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .fields import Amount, Instant


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Owned(_Strict):
    """Hardware of one's own: what an hour in which it can be used costs.

    ``(capex - salvage) / life + kW x PUE x USD per kWh + hosting``. How much of its time is used
    shows in the line for idle time, never in the rate: it would be divided by twice.
    """

    capex_usd: Amount
    salvage_usd: Amount = Decimal(0)
    life_hours: Annotated[int, Field(ge=1)]
    kilowatts: Amount = Decimal(0)
    pue: Amount = Decimal(1)
    usd_per_kwh: Amount = Decimal(0)
    hosting_usd_per_hour: Amount = Decimal(0)

    @property
    def usd_per_hour(self) -> Decimal:
        """Rounded to 12 decimals."""
        hour = (self.capex_usd - self.salvage_usd) / self.life_hours
        power = self.kilowatts * self.pue * self.usd_per_kwh
        return (hour + power + self.hosting_usd_per_hour).quantize(Decimal(1).scaleb(-12))


class Reserved(_Strict):
    """Capacity that is paid for a term, used or not: ``upfront / term + what an hour costs``."""

    upfront_usd: Amount = Decimal(0)
    hourly_usd: Amount = Decimal(0)
    term_hours: Annotated[int, Field(ge=1)]

    @property
    def usd_per_hour(self) -> Decimal:
        """Rounded to 12 decimals."""
        hour = self.upfront_usd / self.term_hours + self.hourly_usd
        return hour.quantize(Decimal(1).scaleb(-12))


class GpuHour(_Strict):
    """What an hour of one GPU costs, from a day on: on demand, reserved, spot, or owned.

    ``gpu`` is the pool of the file of GPU pools, or a device as its driver calls it, for calls that
    measure their own GPU time. A series of spot prices is one entry a change.
    """

    gpu: str
    usd_per_hour: Amount | None = None
    owned: Owned | None = None
    reserved: Reserved | None = None
    valid_from: Instant
    valid_to: Instant | None = None
    known_from: Instant | None = None
    source_url: str = ""
    why: str

    @model_validator(mode="after")
    def _says_how_much(self) -> "GpuHour":
        given = (self.usd_per_hour, self.owned, self.reserved)
        if sum(one is not None for one in given) != 1:
            raise ValueError("give either usd_per_hour or owned or reserved")
        return self

    @property
    def usd(self) -> Decimal:
        """Of an hour, however it is told."""
        made = self.owned or self.reserved
        return made.usd_per_hour if made else self.usd_per_hour or Decimal(0)

    def price(self) -> dict[str, object]:
        """The price that it is: provider ``gpu``, its name as the model, unit ``gpu_seconds``."""
        usd = self.usd
        given = self.model_dump(
            include={"valid_from", "valid_to", "known_from", "source_url", "why"}
        )
        unit = {"usd": f"{usd:f}", "per": 3600}
        told = {"provider": "gpu", "model": self.gpu, "units": {"gpu_seconds": unit}}
        return {**given, **told}
