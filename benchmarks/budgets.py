"""Time of a budget's check: reserve before the call, settle after it, without the call.

Through the hook that every client's call goes through. First a chat of eight messages and two tools
under three budgets (of the run, of the tenant, of the process): one caller, then 64 threads on the
same budgets. They share one interpreter, so what is told there is the time of all of them by the
number of checks: processor time of the process, which other programs disturb less, and elapsed.

Then prompts of other sizes under one budget: the first check of a prompt, and those of the calls
after it, each with two more messages.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from opentelemetry import context as otel_context

import spanledger
from spanledger import semconv
from spanledger._budgets import histories, in_force
from spanledger._budgets.budgeting import Request, take
from spanledger._calls.answer import Answer, Usage

_ROUNDS = 2000
_TURNS = 40
_CALLERS = 64
_TEXT = "How much of this was spent already, and what is left of it for the rest of the month? " * 6
_PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {name: {"type": "string", "description": name * 8} for name in ("city", "unit")},
}
_ANSWER = Answer(model="gpt-4o-2024-08-06", usage=Usage(1200, 80, 1000))


def _request(messages: list[dict[str, Any]], tools: int) -> Request:
    names = ("weather", "search", *(f"tool_{number}" for number in range(tools)))[:tools]
    return Request(
        semconv.OPERATION_CHAT,
        ("messages", "tools"),
        {
            "model": "gpt-4o",
            "messages": messages,
            "tools": [
                {"type": "function", "function": {"name": name, "parameters": _PARAMETERS}}
                for name in names
            ],
        },
        {semconv.PROVIDER_NAME: "openai", semconv.REQUEST_MAX_TOKENS: 500},
        "gpt-4o",
    )


def _chat(messages: int, text: str = _TEXT) -> list[dict[str, Any]]:
    return [
        {"role": ("user", "assistant")[number % 2], "content": text} for number in range(messages)
    ]


def _step(number: int) -> list[dict[str, Any]]:
    """A tool that an agent asks, and what it says."""
    function = {"name": "search", "arguments": f'{{"query": "what is left {number}"}}'}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": f"{number} {_TEXT}"},
    ]


def _agent(steps: int) -> list[dict[str, Any]]:
    return [*_chat(2), *(message for number in range(steps) for message in _step(number))]


def check(request: Request) -> None:
    """One call's whole business with its budgets."""
    here = otel_context.get_current()
    hold = take(request, in_force.holdings(here), here, _refused)
    assert hold is not None
    hold.settle(_ANSWER, None, "provider")


_USUAL = _request(_chat(8), 2)


def check_usual() -> None:
    """That of the usual chat."""
    check(_USUAL)


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


class _Size(NamedTuple):
    """A prompt: its first messages, and how many tools."""

    name: str
    messages: Callable[[], list[dict[str, Any]]]
    tools: int


_SIZES = (
    _Size("8 messages", lambda: _chat(8), 2),
    _Size("50 messages", lambda: _chat(50), 2),
    _Size("50 messages, 20 tools", lambda: _chat(50), 20),
    _Size("agent after 20 tools", lambda: _agent(20), 10),
    _Size("agent after 50 tools", lambda: _agent(50), 10),
    _Size("agent after 100 tools", lambda: _agent(100), 10),
    _Size("agent after 200 tools", lambda: _agent(200), 10),
    _Size("400,000 letters", lambda: _chat(1, "a few words " * 33_333), 2),
    _Size("100,000 Chinese signs", lambda: _chat(1, "見積" * 50_000), 2),
)


def _sizes() -> None:
    print("a budget's check by the size of the prompt: first, then with 2 messages more each time")
    with spanledger.budget(10**9, mode="raise"):
        for size in _SIZES:
            firsts: list[float] = []
            laters: list[float] = []
            for _ in range(10):
                histories.forget()
                messages = size.messages()
                request = _request(messages, size.tools)
                firsts += _timed(lambda request=request: check(request), 1)
                for turn in range(_TURNS):
                    messages += _step(turn)
                    laters += _timed(lambda request=request: check(request), 1)
            laters.sort()
            print(
                f"  {size.name:<26}{statistics.median(firsts):7.1f} us first"
                f" {statistics.median(laters):7.1f} us then"
                f"   99 of 100 within {laters[len(laters) * 99 // 100]:.1f} us"
            )


def main() -> None:
    """Print the figures."""
    print(f"a budget's check, reserve and settle, {len(_USUAL.kwargs['messages'])} messages")
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
            _timed(check_usual, 200)
            alone = sorted(_timed(check_usual, _ROUNDS))
            processor, elapsed = _together(check_usual)
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
    _sizes()


if __name__ == "__main__":
    main()
