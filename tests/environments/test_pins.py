"""What is installed is what is pinned, so that an audit of the pins (`make audit`) is one of it.

Whether a version has known faults, a kept list says (``test_advisories``); the newest, and whether
it was withdrawn, only the package index knows: `make audit` asks it, with the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[2]
_LISTS = sorted(
    path.relative_to(_ROOT).as_posix()
    for pattern in ("constraints.txt", "tests/environments/**/*.txt", "benchmarks/*/pins/*.txt")
    for path in _ROOT.glob(pattern)
)


def _pins(path: str) -> list[Requirement]:
    lines = (_ROOT / path).read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("path", _LISTS)
def test_every_pin_is_exact(path: str) -> None:
    for pin in _pins(path):
        assert re.fullmatch(r"==[^*,]+", str(pin.specifier)), pin
        assert pin.url is None, pin


def test_javascript_is_pinned_with_its_hashes() -> None:
    lock = json.loads((_ROOT / "tests/environments/javascript/package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert packages
    for name, one in packages.items():
        assert one["version"], name
        assert one["integrity"].startswith("sha512-"), name


def _needed() -> Iterator[Requirement]:
    """Everything that `make demo` and `make test` install here, with what that needs in turn."""
    # No parser of TOML is in every Python that we support: one requirement a line.
    _, _, groups = (
        (_ROOT / "pyproject.toml").read_text().partition("[dependency-groups]\ndev = [\n")
    )
    dev = re.findall(r'^  "([^"]+)",', groups.partition("\n]")[0], re.MULTILINE)
    assert len(dev) > 30
    waiting = [Requirement("spanledger[demo]"), *map(Requirement, dev)]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop()
        if one.marker is not None and not one.marker.evaluate():
            continue
        yield one
        for extra in ("", *one.extras):
            if f"{one.name}[{extra}]" in seen:
                continue
            seen.add(f"{one.name}[{extra}]")
            for line in metadata.requires(one.name) or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    needed.marker = None
                    waiting.append(needed)


def test_everything_that_is_installed_for_us_is_pinned() -> None:
    pinned = {
        canonicalize_name(pin.name): str(pin.specifier)
        for pin in _pins("constraints.txt")
        if pin.marker is None or pin.marker.evaluate()
    }
    needed = {canonicalize_name(one.name) for one in _needed()} - {"spanledger"}
    assert len(needed) > 100
    installed = {name: f"=={metadata.version(name)}" for name in needed}
    assert {name: pinned.get(name, "not at all") for name in needed} == installed
