"""Patches between those of others, which come and go in any order."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import itertools
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
import wrapt
from opentelemetry.instrumentation.utils import unwrap

from spanledger._patches.light import Around
from spanledger._patches.patching import Kind, Patch, PatchState, Target, Wrapper, called, wrapping
from spanledger._patches.renaming import rename, renamed_at_once

MODULE = "spanledger_test_patched_module"


@pytest.fixture(name="thing")
def _thing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Any]:
    """A class with a method that tells who was called on the way to it."""
    (tmp_path / f"{MODULE}.py").write_text("class Thing:\n    def act(self): return ['bare']\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module(MODULE).Thing
    del sys.modules[MODULE]


def _naming(name: str) -> Callable[..., list[str]]:
    def wrapper(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> list[str]:
        return [name, *wrapped(*args, **kwargs)]

    return wrapper


@pytest.fixture(name="ours", params=[False, True], ids=["wrapt", "function"])
def _ours(request: pytest.FixtureRequest) -> Callable[[], Patch]:
    """Makes a patch of ours, of either kind."""
    target = Target(MODULE, "Thing.act", Kind.SYNC)
    naming = _naming("ours")
    return lambda: Patch(target, naming, called(naming) if request.param else None)


def _wrap(name: str) -> None:
    wrapt.wrap_function_wrapper(MODULE, "Thing.act", _naming(name))


def test_taking_off_theirs_leaves_ours_whoever_came_first(
    thing: Any, ours: Callable[[], Patch]
) -> None:
    """OpenTelemetry's ``unwrap`` takes off what is on top, and means its own."""
    bare = vars(thing)["act"]
    for first in ("theirs", "ours"):
        patch = ours()
        steps = [lambda: _wrap("theirs"), patch.install]
        for step in steps if first == "theirs" else reversed(steps):
            step()
        assert sorted(thing().act()) == ["bare", "ours", "theirs"]
        assert sorted(thing.act(thing())) == ["bare", "ours", "theirs"]
        unwrap(thing, "act")
        assert thing().act() == ["ours", "bare"]
        assert patch.state is PatchState.INSTALLED
        patch.remove()
        assert vars(thing)["act"] is bare


def test_taking_off_ours_leaves_theirs_whoever_came_first(
    thing: Any, ours: Callable[[], Patch]
) -> None:
    bare = vars(thing)["act"]
    for first in ("theirs", "ours"):
        patch = ours()
        steps = [lambda: _wrap("theirs"), patch.install]
        for step in steps if first == "theirs" else reversed(steps):
            step()
        for _ in range(2):
            patch.remove()
            assert thing().act() == ["theirs", "bare"]
            patch.install()
            assert sorted(thing().act()) == ["bare", "ours", "theirs"]
        patch.remove()
        unwrap(thing, "act")
        assert thing().act() == ["bare"]
        thing.act = bare


def test_between_two_others_everyone_can_leave_first(thing: Any, ours: Callable[[], Patch]) -> None:
    """They leave in any order, and each that is left is called once."""
    bare = vars(thing)["act"]
    for leaving in itertools.permutations(("inner", "ours", "outer")):
        patch = ours()
        _wrap("inner")
        patch.install()
        _wrap("outer")
        assert thing().act() == ["outer", "ours", "inner", "bare"]
        for name in leaving:
            if name == "ours":
                patch.remove()
            else:
                unwrap(thing, "act")
        assert thing().act() == ["bare"]
        thing.act = bare


def test_what_others_put_back_over_ours_is_noticed_and_mended(
    thing: Any, ours: Callable[[], Patch]
) -> None:
    """Some keep the method that they found and put it back, whoever came after them."""
    found = thing.act
    _wrap("theirs")
    patch = ours()
    patch.install()
    thing.act = found
    assert thing().act() == ["bare"]
    patch.install()
    assert thing().act() == ["ours", "bare"]
    thing.act = found
    patch.remove()
    assert patch.state is PatchState.REMOVED
    assert thing().act() == ["bare"]


def test_a_method_of_ours_reads_as_the_bare_one_and_can_be_kept(
    thing: Any, ours: Callable[[], Patch]
) -> None:
    bare, patch = vars(thing)["act"], ours()
    patch.install()
    kept = thing().act
    assert inspect.signature(thing.act) == inspect.signature(bare)
    assert (thing.act.__name__, thing.act.__qualname__) == ("act", "Thing.act")
    assert kept() == ["ours", "bare"]
    patch.remove()
    assert kept() == ["bare"]
    assert vars(thing)["act"] is bare


def test_a_function_that_copied_our_names_is_not_ours(
    thing: Any, ours: Callable[[], Patch]
) -> None:
    """``functools.wraps`` copies all that stands on a function."""
    patch = ours()
    patch.install()
    below = vars(thing)["act"]

    @functools.wraps(below)
    def act(self: Any) -> list[str]:
        return ["theirs", *below.__get__(self)()]

    thing.act = act
    patch.remove()
    assert patch.state is PatchState.COVERED
    assert thing().act() == ["theirs", "bare"]
    patch.install()
    assert thing().act() == ["theirs", "ours", "bare"]


def test_a_coroutine_function_stays_one(thing: Any, ours: Callable[[], Patch]) -> None:
    """It runs when it is awaited, also one that was kept, and raises what it raises."""

    async def act(_self: object, error: Exception | None = None, /, *, said: str = "") -> list[str]:
        await asyncio.sleep(0)
        if error is not None:
            raise error
        return ["bare", said]

    async def met(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> list[str]:
        return ["ours", *await wrapped(*args, **kwargs)]

    thing.act = act
    around = called(met) if ours().around else None
    patch = Patch(Target(MODULE, "Thing.act", Kind.ASYNC), met, around)
    patch.install()
    kept = thing().act
    for function in (thing.act, kept):
        assert inspect.iscoroutinefunction(function)
    assert inspect.signature(thing.act) == inspect.signature(act)
    assert thing.act.__qualname__ == act.__qualname__
    assert inspect.unwrap(thing.act) is act
    assert asyncio.run(thing().act(said="it")) == ["ours", "bare", "it"]
    failure = LookupError("theirs")
    with pytest.raises(LookupError) as caught:
        asyncio.run(kept(failure))
    assert caught.value is failure
    patch.remove()
    assert asyncio.run(kept(said="it")) == ["bare", "it"]
    assert vars(thing)["act"] is act


def test_a_function_of_a_module_has_no_object(thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is wrapped by wrapt, also where methods get a function."""
    module = sys.modules[thing.__module__]
    monkeypatch.setattr(module, "act", lambda: ["bare"], raising=False)
    around = called(_naming("ours"))
    patch = Patch(Target(MODULE, "act", Kind.SYNC), wrapping(around), around)
    patch.install()
    assert vars(module)["act"]() == ["ours", "bare"]
    patch.remove()
    assert vars(module)["act"]() == ["bare"]


@pytest.mark.parametrize("on_a_coroutine", [False, True])
@pytest.mark.parametrize("of_coroutines", [False, True])
def test_what_lies_around_is_a_coroutine_function_where_the_method_is_one(
    thing: Any, *, on_a_coroutine: bool, of_coroutines: bool
) -> None:
    """As clients have them: a plain method may give a coroutine that another function made."""

    async def later(_self: object, word: str) -> list[str]:
        await asyncio.sleep(0)
        return [word]

    def giving(self: object, word: str) -> Any:
        return later(self, word)

    def around(method: Any, switch: list[bool]) -> Any:
        async def metered(self: Any, /, *args: Any) -> list[str]:
            made = await method(self, *args)
            return ["ours", *made] if switch else made

        def plain(self: Any, /, *args: Any) -> Any:
            return metered(self, *args)

        return metered if of_coroutines else plain

    thing.act = later if on_a_coroutine else giving
    patch = Patch(Target(MODULE, "Thing.act", Kind.ASYNC), wrapping(around), around)
    patch.install()
    kept = thing().act
    assert type(vars(thing)["act"]) is FunctionType
    assert inspect.iscoroutinefunction(kept) is on_a_coroutine
    assert asyncio.run(kept("bare")) == ["ours", "bare"]
    patch.remove()
    assert asyncio.run(kept("bare")) == ["bare"]


def test_what_is_light_is_a_function_and_not_a_proxy(thing: Any) -> None:
    async def act(_self: object) -> list[str]:
        return ["bare"]

    for method in (vars(thing)["act"], act):
        thing.act = method
        patch = Patch(
            Target(MODULE, "Thing.act", Kind.SYNC), _naming("ours"), called(_naming("ours"))
        )
        patch.install()
        assert type(vars(thing)["act"]) is FunctionType
        patch.remove()
        assert vars(thing)["act"] is method


def test_a_method_that_another_class_has_borrowed_is_patched_there_too(
    thing: Any, ours: Callable[[], Patch], monkeypatch: pytest.MonkeyPatch
) -> None:
    patch, bare = ours(), vars(thing)["act"]
    patch.install()
    borrower: Any = type("Borrower", (), {"act": thing.act})
    monkeypatch.setattr(sys.modules[MODULE], "Borrower", borrower, raising=False)

    def like(name: str) -> tuple[Wrapper, Around | None]:
        return _naming(name), called(_naming(name)) if patch.around else None

    other = Patch(Target(MODULE, "Borrower.act", Kind.SYNC), *like("borrowed"))
    again = Patch(patch.target, *like("again"))
    for later in (other, again):
        later.install()
    assert other.state is PatchState.INSTALLED
    assert again.state is PatchState.SPARE
    assert borrower().act() == ["borrowed", "ours", "bare"]
    other.remove()
    patch.remove()
    assert borrower().act() == ["bare"]
    assert vars(thing)["act"] is bare


def test_a_function_is_found_under_the_names_that_modules_gave_it_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """``from library import ask`` before ``init()``: measured, and put back, the very same."""

    def ask() -> str:
        return "answer"

    calls: list[str] = []

    def wrapper(wrapped: Callable[..., Any], *_: Any) -> Any:
        calls.append("told")
        return wrapped()

    library, inside, user = ModuleType("library"), ModuleType("library.inside"), ModuleType("user")
    for module in (library, inside, user):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for names in (vars(library), vars(inside)):
        names["ask"] = ask
    vars(user)["ask"] = ask
    patch = Patch(Target("library", "ask", Kind.SYNC), wrapper)
    patch.install()
    assert vars(user)["ask"]() == "answer"
    assert calls == ["told"]
    assert vars(inside)["ask"] is ask  # what the library calls itself is told by whom it is for
    patch.remove()
    assert vars(user)["ask"] is ask
    assert vars(library)["ask"] is ask


def test_names_given_before_change_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look through the modules does what a look for each function does, in the same order."""
    first, second, third = ModuleType("first"), ModuleType("second"), ModuleType("user")
    for module in (first, second, third):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    old, new, newest, other = object(), object(), object(), object()
    vars(first)["ask"] = vars(third)["ask"] = old
    vars(third)["tell"] = other
    with renamed_at_once():
        rename(first, "ask", old, new)
        with renamed_at_once():
            rename(second, "ask", new, newest)
        rename(second, "tell", old, new)
        assert vars(third)["ask"] is old
    assert vars(third) | {"ask": newest, "tell": other} == vars(third)
    assert vars(first)["ask"] is old  # the library goes on calling what it called
    rename(second, "ask", newest, old)
    assert vars(third)["ask"] is old


@pytest.mark.slow
def test_modules_may_come_while_names_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the garbage collector ends meanwhile may import."""
    name = "spanledger_test_imported_by_garbage"
    library = ModuleType("spanledger_test_library")
    monkeypatch.setitem(sys.modules, name, library)  # taken out at the end
    before = gc.get_threshold()
    try:
        for allocations in (25, 50, 100, 200, 400):
            gc.disable()
            del sys.modules[name]
            _circle(lambda: sys.modules.setdefault(name, library))
            gc.set_threshold(allocations)
            gc.enable()
            rename(library, "ask", allocations, object())
            gc.collect()
            assert sys.modules[name] is library
    finally:
        gc.set_threshold(*before)
        gc.enable()


def _circle(end: Callable[[], object]) -> None:
    """Leaves what only the garbage collector ends."""

    class Circle:
        def __init__(self) -> None:
            self.own = self

        def __del__(self) -> None:
            end()

    Circle()
