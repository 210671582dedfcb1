"""Patches between those of others, which come and go in any order."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import wrapt
from opentelemetry.instrumentation.utils import unwrap

from spanledger._patching import Kind, Patch, PatchState, Target

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


def _ours() -> Patch:
    return Patch(Target(MODULE, "Thing.act", Kind.SYNC), _naming("ours"))


def _wrap(name: str) -> None:
    wrapt.wrap_function_wrapper(MODULE, "Thing.act", _naming(name))


def test_taking_off_theirs_leaves_ours_whoever_came_first(thing: Any) -> None:
    """OpenTelemetry's ``unwrap`` takes off what is on top, and means its own."""
    bare = vars(thing)["act"]
    for first in ("theirs", "ours"):
        patch = _ours()
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


def test_taking_off_ours_leaves_theirs_whoever_came_first(thing: Any) -> None:
    bare = vars(thing)["act"]
    for first in ("theirs", "ours"):
        patch = _ours()
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


def test_between_two_others_everyone_can_leave_first(thing: Any) -> None:
    """They leave in any order, and each that is left is called once."""
    bare = vars(thing)["act"]
    for leaving in itertools.permutations(("inner", "ours", "outer")):
        patch = _ours()
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


def test_what_others_put_back_over_ours_is_noticed_and_mended(thing: Any) -> None:
    """Some keep the method that they found and put it back, whoever came after them."""
    found = thing.act
    _wrap("theirs")
    patch = _ours()
    patch.install()
    thing.act = found
    assert thing().act() == ["bare"]
    patch.install()
    assert thing().act() == ["ours", "bare"]
    thing.act = found
    patch.remove()
    assert patch.state is PatchState.REMOVED
    assert thing().act() == ["bare"]
