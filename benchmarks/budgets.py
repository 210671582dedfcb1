"""Time of a budget's check: reserve before the call, settle after it, without the call.

A chat of eight messages and two tools under three budgets (of the run, of the tenant, of the
process), through the hook that every client's call goes through. One caller, then 64 threads on the
same budgets. They share one interpreter, so what is told there is the time of all of them by the
number of checks: processor time of the process, which other programs disturb less, and elapsed.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry import context as otel_context

import spanledger
from spanledger import semconv
from spanledger._budgets import in_force
from spanledger._budgets.budgeting import Request, take
from spanledger._calls.answer import Answer, Usage

_ROUNDS = 2000
_CALLERS = 64
_TEXT = "How much of this was spent already, and what is left of it for the rest of the month? " * 6
_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string", "description": name * 8} for name in ("city", "unit")},
}
_REQUEST = Request(
    semconv.OPERATION_CHAT,
    ("messages", "tools"),
    {
        "model": "gpt-4o",
        "messages": [
            {"role": ("user", "assistant")[number % 2], "content": _TEXT} for number in range(8)
        ],
        "tools": [
            {"type": "function", "function": {"name": name, "parameters": _PARAMETERS}}
            for name in ("weather", "search")
        ],
    },
    {semconv.PROVIDER_NAME: "openai", semconv.REQUEST_MAX_TOKENS: 500},
    "gpt-4o",
)
_ANSWER = Answer(model="gpt-4o-2024-08-06", usage=Usage(1200, 80, 1000))


def check() -> None:
    """One call's whole business with its budgets."""
    here = otel_context.get_current()
    hold = take(_REQUEST, in_force.holdings(here), here, _refused)
    assert hold is not None
    hold.settle(_ANSWER, None, "provider")


def no_check() -> None:
    """The same where no budget is in force: what every call pays."""
    assert not in_force.holdings(otel_context.get_current())


def _refused(_attributes: object, _error: BaseException) -> None:
    raise AssertionError


def _timed(work: Callable[[], None], rounds: int) -> list[float]:
    taken: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e6)
    return taken


def _together(work: Callable[[], None]) -> tuple[float, float]:
    """Microseconds a check of all callers: of the processor, and elapsed."""
    begin = threading.Barrier(_CALLERS + 1)
    context = otel_context.get_current()

    def caller() -> None:
        token = otel_context.attach(context)
        begin.wait()
        for _ in range(_ROUNDS // 10):
            work()
        otel_context.detach(token)

    threads = [threading.Thread(target=caller) for _ in range(_CALLERS)]
    for thread in threads:
        thread.start()
    begin.wait()
    began, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    checks = _CALLERS * (_ROUNDS // 10) / 1e6
    return (time.process_time() - used) / checks, (time.perf_counter() - began) / checks


def main() -> None:
    """Print the figures."""
    print(f"a budget's check, reserve and settle, {len(_REQUEST.kwargs['messages'])} messages")
    print(f"  no budget in force        {statistics.median(_timed(no_check, _ROUNDS)):7.2f} us")
    run = spanledger.budget(10**9, per="run", mode="raise")
    tenant = spanledger.budget(10**9, per="tenant", window="day", mode="raise")
    whole = spanledger.budget(10**9, window="month")
    for name, budgets in (("1 budget", [run]), ("3 budgets", [run, tenant, whole])):
        context = otel_context.get_current()
        with spanledger.agent("benchmark"):
            inside = otel_context.get_current()
            for one in budgets:
                inside = in_force.entered(inside, one)
            token = otel_context.attach(inside)
            _timed(check, 200)
            alone = sorted(_timed(check, _ROUNDS))
            processor, elapsed = _together(check)
            otel_context.detach(token)
        assert otel_context.get_current() == context
        print(
            f"  {name + ', 1 caller':<26}{statistics.median(alone):7.2f} us"
            f"   99 of 100 within {alone[len(alone) * 99 // 100]:.1f} us"
        )
        print(
            f"  {f'{name}, {_CALLERS} callers':<26}{processor:7.2f} us of the processor"
            f"   {elapsed:.1f} us elapsed"
        )
    for one in (run, tenant, whole):
        assert one.state().reserved_usd == 0


if __name__ == "__main__":
    main()
