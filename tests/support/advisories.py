"""What is known of vulnerable versions, from a checkout of PyPA's advisory database to one file.

`make advisories` writes ``advisories.txt`` with it: a line an advisory, ``package id versions``,
the versions as specifiers with ``|`` between alternatives. Tests hold the pins against that file
without a network; `make audit` asks the package index itself.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

FILE = Path(__file__).with_name("advisories.txt")
_HEADER = """\
# Versions of Python packages with a known vulnerability: package, advisory, versions.
# From https://github.com/pypa/advisory-database (CC BY 4.0), commit {state}.
# `make advisories` writes this file; nothing that was published later is in it.
"""
_SIGNS = {"introduced": ">=", "fixed": "<", "last_affected": "<="}


class Advisory(NamedTuple):
    """One advisory about one package."""

    package: str
    name: str
    versions: tuple[SpecifierSet, ...]

    def affects(self, version: Version) -> bool:
        """Whether a version is one of those."""
        return any(one.contains(version, prereleases=True) for one in self.versions)


def read(text: str) -> Iterator[Advisory]:
    """The advisories of the file."""
    for line in text.splitlines():
        if not line.startswith("#"):
            package, name, versions = line.split()
            yield Advisory(package, name, tuple(map(SpecifierSet, versions.split("|"))))


def lines(checkout: Path) -> Iterator[str]:
    """A line for each advisory of a checkout and package, in no order."""
    for path in checkout.glob("vulns/*/*.yaml"):
        told = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        if "withdrawn" in told:
            continue
        for affected in told["affected"]:
            versions = [one for one in _versions(affected) if _is_one(one)]
            if versions:
                package = canonicalize_name(affected["package"]["name"])
                yield f"{package} {told['id']} {'|'.join(versions)}"


def _versions(affected: dict[str, Any]) -> list[str]:
    ranges = [one for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM"]
    if not ranges:
        return [f"=={version}" for version in affected.get("versions", ())]
    return [stretch for one in ranges for stretch in _stretches(one["events"])]


def _stretches(events: list[dict[str, str]]) -> Iterator[str]:
    """From each version that introduced it to the one that ended it, or for good."""
    begun = ""
    for event in events:
        ((kind, version),) = event.items()
        if kind == "introduced":
            if begun:
                yield begun
            begun = f">={version}"
        elif begun:
            yield f"{begun},{_SIGNS[kind]}{version}"
            begun = ""
    if begun:
        yield begun


def _is_one(versions: str) -> bool:
    try:
        SpecifierSet(versions)
    except InvalidSpecifier:
        return False  # of before PEP 440: no pin is like that
    return True


def write(checkout: Path, state: str) -> None:
    """Write the file.

    Args:
        checkout: of the advisory database.
        state: its commit and day.
    """
    found = sorted(set(lines(checkout)))
    FILE.write_text(_HEADER.format(state=state) + "".join(f"{one}\n" for one in found))
    sys.stdout.write(f"{FILE}: {len(found)} advisories of {state}\n")


if __name__ == "__main__":
    write(Path(sys.argv[1]), sys.argv[2])
