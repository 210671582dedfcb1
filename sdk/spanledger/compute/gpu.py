"""Accelerators: dense peak rates, memory and bandwidth, from a shipped, dated table.

Peaks are *dense*: vendors and several libraries print rates with structured sparsity, which are
twice as high and which no language model reaches. To add one, add an entry to
``catalogue/gpus.json``: ``device`` is the text by which its driver's name is recognised, rates are
in tera-operations a second, and ``confidence`` and ``checked`` say how sure the figures are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final, Literal, TypedDict, cast

from spanledger.compute.config_reader import ArchitectureError

Number = Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4"]

_TERA: Final = 10**12
_GIGA: Final = 10**9
_SOURCE: Final = "vendor's datasheet, dense rates"
#: What a kernel computes in where the accelerator has no rate of its own for a format.
_WIDER: Final[Mapping[Number, tuple[Number, ...]]] = {
    "fp4": ("fp4", "bf16", "fp16"),  # weights alone are of four bits then, and are widened
    "fp8": ("fp8", "bf16", "fp16"),
    "int8": ("int8", "bf16", "fp16"),
    "bf16": ("bf16", "fp16", "fp32"),
    "fp16": ("fp16", "bf16", "fp32"),
    "fp32": ("fp32",),
}


class _Told(TypedDict):
    device: str
    vendor: str
    memory_gb: str
    bandwidth_gb_s: str
    dense_tera: dict[Number, str]
    confidence: str
    checked: str
    as_of: str


class _Entry(_Told, total=False):
    watts: str
    link_gb_s: str


@dataclass(frozen=True, slots=True)
class Gpu:
    """One accelerator.

    Attributes:
        name: Its name in the catalogue, such as ``h100-sxm5-80gb``.
        device: Text in the name that its driver tells.
        memory_bytes: Memory, as sold (GB of 10^9 bytes).
        bandwidth: Bytes a second from its own memory.
        peaks: Number format -> dense operations a second (an addition and a multiplication are 2).
        watts: Power limit of the board; 0 = not known.
        link: Bytes a second and direction to its neighbours; 0 = none or not known.
        confidence: ``high``, ``medium`` or ``low``.
        source: Where the figures come from, and what they were held against.
        as_of: ISO date.
    """

    name: str
    device: str
    memory_bytes: int
    bandwidth: int
    peaks: Mapping[Number, int]
    watts: int
    link: int
    confidence: str
    source: str
    as_of: str

    def peak(self, number: Number = "bf16") -> int:
        """Dense operations a second in a format, or in the next wider one that it computes in.

        Raises:
            ArchitectureError: It computes in none of them.
        """
        return self.peaks[self.computes_in(number)]

    def computes_in(self, number: Number) -> Number:
        """What it computes in where weights are of this format: it, or the next wider one.

        Raises:
            ArchitectureError: It computes in none of them.
        """
        for wider in _WIDER[number]:
            if wider in self.peaks:
                return wider
        raise ArchitectureError(
            f"{self.name} has no rate for {number}: its rates are {', '.join(self.peaks)}"
        )

    def ridge(self, number: Number = "bf16") -> float:
        """Operations a byte above which it is bound by computing, not by memory."""
        return self.peak(number) / self.bandwidth


@cache
def gpus() -> Mapping[str, Gpu]:
    """All accelerators of the catalogue by name; read once."""
    text = files("spanledger.compute.catalogue").joinpath("gpus.json").read_text("utf-8")
    entries = cast("dict[str, _Entry]", json.loads(text))
    return {name: _gpu(name, entry) for name, entry in entries.items()}


def gpu(name: str) -> Gpu:
    """The accelerator of a catalogue name or of a driver's device name.

    Raises:
        ArchitectureError: The catalogue has none such; the message lists some that it has.
    """
    found = recognise_gpu(name)
    if found is None:
        known = ", ".join(sorted(gpus())[:8])
        raise ArchitectureError(f"no accelerator {name!r} in the catalogue; it has {known}, ...")
    return found


#: Parts of a card, and others of nearly its name that are slower or faster: none of their figures
#: are those of the whole card.
_OTHER: Final = re.compile(
    r"(?<![a-z0-9])(mig|laptop|mobile|max-q|[345]0\d0 (d|ti|super))(?![a-z0-9])"
)


@cache
def recognise_gpu(name: str) -> Gpu | None:
    """The accelerator of a name, or None: the longest device text wins that the name holds.

    Whole words only: an A10G is no A10, and half the speed; a slice of a card (MIG), or one for
    laptops, is not the card.
    """
    told = name.strip().lower()
    if told in gpus():
        return gpus()[told]
    if _OTHER.search(told):
        return None
    fitting = [one for one in gpus().values() if _holds(told, one.device.lower())]
    return max(fitting, key=lambda one: len(one.device), default=None)


def _gpu(name: str, entry: _Entry) -> Gpu:
    checked = entry["checked"]
    return Gpu(
        name=name,
        device=entry["device"],
        memory_bytes=_whole(entry["memory_gb"], _GIGA),
        bandwidth=_whole(entry["bandwidth_gb_s"], _GIGA),
        peaks={number: _whole(rate, _TERA) for number, rate in entry["dense_tera"].items()},
        watts=int(entry.get("watts", "0")),
        link=_whole(entry.get("link_gb_s", "0"), _GIGA),
        confidence=entry["confidence"],
        source=f"{_SOURCE}; {checked}" if checked else _SOURCE,
        as_of=entry["as_of"],
    )


def _holds(told: str, device: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(device)}(?![a-z0-9])", told) is not None


def _whole(text: str, scale: int) -> int:
    return int(Decimal(text) * scale)
