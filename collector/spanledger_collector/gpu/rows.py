"""A closed window as rows of ``gpu_windows`` and ``gpu_shares``. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from spanledger.compute.engine import Engine
from spanledger.compute.estimate import weakest
from spanledger.compute.roofline import compute_format

from .calls import Row, failed_names, name_of
from .document import Pool
from .window import Bill

_NANO: Final = 10**9
WINDOW_COLUMNS: Final = (
    "pool", "window_start", "window_end", "gpus", "gpu_model", "model", "watts", "attribution",
    "calls", "billed_gpu_seconds", "attributed_gpu_seconds", "load_gpu_seconds",
    "idle_gpu_seconds", "price_id", "billed_usd", "attributed_usd", "waste_usd", "load_usd",
    "idle_usd", "fingerprint", "version", "is_deleted", "weight_format", "replicas",
    "peak_flops", "peak_format", "bandwidth", "work_gpu_seconds", "flops", "flops_low",
    "flops_high", "flops_method", "read_bytes_low", "read_bytes_high",
)  # fmt: skip
SHARE_COLUMNS: Final = (
    "workspace", "trace_id", "span_id", "pool", "window_start", "gpu_seconds", "cost_usd",
    "waste_usd", "error", "attribution", "version", "is_deleted", "mfu", "mbu",
    "failed_gpu_seconds", "failed_cost_usd", "failed_error",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closed:
    """A window of a pool from a moment to another, its bill, and the version of its rows."""

    pool: Pool
    begin: datetime
    end: datetime
    done: Bill
    version: int

    def is_carried_by(self, row: Row) -> bool:
        """Whether a call, or an attempt of it that failed, has a share of it."""
        return any(
            name in self.done.attribution.shares for name in (name_of(row), *failed_names(row))
        )


def share_row(closed: Closed, row: Row) -> Sequence[Any]:
    """What a call carries of it, and of that, what its failed attempts do."""
    done, own, failed = closed.done, name_of(row), failed_names(row)
    shares, keys = done.attribution.shares, done.attribution.keys
    # Where only attempts that failed were within: how sure their shares are.
    told = own if own in shares else next(name for name in failed if name in shares)
    priced = done.billed_usd is not None
    paid = [done.shares_usd.get(name, Decimal(0)) for name in (own, *failed)] if priced else []
    return (
        row["workspace"], row["trace_id"], row["span_id"], closed.pool.name, closed.begin,
        _seconds(sum(shares.get(name, 0) for name in (own, *failed))),
        sum(paid, Decimal(0)) if priced else None,
        done.waste_usd.get(own, Decimal(0)) if priced else None,
        done.error(told), keys[told], closed.version, 0,
        *_utilisation(closed.pool.engine, done, own),
        [_seconds(shares.get(name, 0)) for name in failed], paid[1:],
        max((done.error(name) for name in failed if name in shares), default=Decimal(0)),
    )  # fmt: skip


def no_share_row(
    pool: str, begin: datetime, keys: tuple[str, str, str], version: int
) -> Sequence[Any]:
    """A call that is no longer of the window; ``keys``: workspace, trace, span."""
    return (
        *keys, pool, begin, Decimal(0), None, None, Decimal(0), "", version, 1, None, None,
        [], [], Decimal(0),
    )  # fmt: skip


def window_row(closed: Closed, calls: int, fingerprint: int) -> Sequence[Any]:
    """The window, in which so many calls were served."""
    done, engine, time_ = closed.done, closed.pool.engine, closed.done.attribution
    known = done.billed_usd is not None
    return (
        closed.pool.name, closed.begin, closed.end, engine.gpus,
        engine.gpu.name if engine.gpu else "", engine.arch.name if engine.arch else "",
        engine.gpu.watts if engine.gpu else 0, done.key, calls,
        _seconds(time_.billed_ns), _seconds(sum(time_.shares.values())), _seconds(time_.load_ns),
        _seconds(time_.idle_ns), done.price_id, done.billed_usd,
        sum(done.shares_usd.values(), Decimal(0)) if known else None,
        sum(done.waste_usd.values(), Decimal(0)) if known else None,
        done.load_usd, done.idle_usd, fingerprint, closed.version, 0,
        engine.weight_format if engine.arch else "", engine.replicas,
        *_peaks(engine), *_work(engine, done),
    )  # fmt: skip


def _peaks(engine: Engine) -> tuple[int, str, int]:
    """FLOP/s of a GPU, the format that they are of, and its bandwidth; nothing of an unknown one.

    Without a model nobody knows what is multiplied.
    """
    if engine.gpu is None:
        return 0, "", 0
    if engine.arch is None:
        return 0, "", engine.gpu.bandwidth
    number = engine.gpu.computes_in(compute_format(engine.weight_format))
    return engine.gpu.peaks[number], number, engine.gpu.bandwidth


def _work(engine: Engine, done: Bill) -> tuple[Any, ...]:
    """GPU time of calls whose work is known, and that work."""
    known = [call for call in done.work if call in done.attribution.shares]
    if engine.arch is None or not known:
        return Decimal(0), 0, 0, 0, "", None, None
    flops = sum(done.work[call].flops for call in known)
    flops_low = sum(done.work[call].flops_low for call in known)
    method = engine.arch.exactness.method
    low = [done.work[call].read_low for call in known]
    high = [done.work[call].read_high for call in known]
    return (
        _seconds(sum(done.attribution.shares[call] for call in known)),
        flops, engine.arch.bounds(flops_low)[0], engine.arch.bounds(flops)[1],
        method if flops_low == flops else weakest(method, "approx"),
        None if None in low else sum(one or 0 for one in low),
        None if None in high else sum(one or 0 for one in high),
    )  # fmt: skip


def _utilisation(engine: Engine, done: Bill, call: str) -> tuple[float | None, float | None]:
    """MFU and MBU of the time that a call carries; None = not known."""
    peak, _, bandwidth = _peaks(engine)
    seconds, did = done.attribution.shares.get(call, 0) / _NANO, done.work.get(call)
    if did is None or not seconds or not peak:
        return None, None
    read = did.read_high
    return did.flops / (seconds * peak), None if read is None else read / (seconds * bandwidth)


def _seconds(gpu_ns: int) -> Decimal:
    return Decimal(gpu_ns) / _NANO
