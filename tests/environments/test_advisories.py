"""No pin has a vulnerability that the kept list of advisories names.

The list is as old as its second line says; `make audit` asks the package index for newer ones, and
`make advisories` brings the list up to date.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from tests.support import advisories

_ROOT = Path(__file__).parents[2]
_TEXT = advisories.FILE.read_text()
_KNOWN = list(advisories.read(_TEXT))
#: What is used all the same: advisory -> why it does not matter here.
_ACCEPTED: dict[str, str] = {}
# The oldest versions that are supported are old on purpose, and are installed for tests alone.
_LISTS = sorted(
    path.relative_to(_ROOT).as_posix()
    for pattern in ("constraints.txt", "tests/environments/**/*.txt", "benchmarks/*/pins/*.txt")
    for path in _ROOT.glob(pattern)
    if not path.name.startswith("oldest-")
)


@pytest.mark.parametrize("path", _LISTS)
def test_no_pin_has_a_known_vulnerability(path: str) -> None:
    by_package: dict[str, list[advisories.Advisory]] = {}
    for one in _KNOWN:
        by_package.setdefault(one.package, []).append(one)
    lines = (_ROOT / path).read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert pins
    found = {
        f"{pin}: {one.name}"
        for pin in pins
        for one in by_package.get(canonicalize_name(pin.name), ())
        if one.affects(Version(str(pin.specifier).removeprefix("=="))) and one.name not in _ACCEPTED
    }
    assert not found, "take a newer version, or say in _ACCEPTED why it does not matter"


def test_the_list_is_whole() -> None:
    assert len(_KNOWN) > 2500
    aiohttp = [one for one in _KNOWN if one.package == "aiohttp"]
    (smuggling,) = [one for one in aiohttp if one.name == "PYSEC-2024-26"]
    assert smuggling.affects(Version("3.9.1"))
    assert not smuggling.affects(Version("3.9.2"))
    assert set(_ACCEPTED) <= {one.name for one in _KNOWN}


_ADVISORY = """
id: {id}
affected:
- package: {{ecosystem: PyPI, name: Some_Package}}
  ranges:
  - {{type: GIT, events: [{{introduced: "0"}}, {{fixed: abc}}]}}
  - {{type: ECOSYSTEM, events: [{events}]}}
  versions: ["1.0"]
{more}
"""


def test_advisories_are_read_as_they_are_published(tmp_path: Path) -> None:
    """Fixed, the last that is affected, for good, withdrawn, versions one by one."""
    folder = tmp_path / "vulns" / "some-package"
    folder.mkdir(parents=True)
    told = {
        "A": '{introduced: "0"}, {fixed: "1.5"}, {introduced: "2.0"}, {last_affected: "2.3"}',
        "B": '{introduced: "3.0rc1"}',
        "C": '{introduced: "0"}, {fixed: not.of-pep-440}',
    }
    for name, events in told.items():
        (folder / f"{name}.yaml").write_text(_ADVISORY.format(id=name, events=events, more=""))
    withdrawn = _ADVISORY.format(id="D", events=told["B"], more="withdrawn: 2026-01-01T00:00:00Z")
    (folder / "D.yaml").write_text(withdrawn)
    single = _ADVISORY.format(id="E", events=told["B"], more="").replace("ECOSYSTEM", "SEMVER")
    (folder / "E.yaml").write_text(single)
    found = {one.name: one for one in advisories.read("\n".join(advisories.lines(tmp_path)))}
    assert {one.package for one in found.values()} == {"some-package"}
    versions = ("1.0", "1.5", "2.0", "2.3", "2.3.1", "3.0rc1", "4.0")
    affected = {
        name: [one for one in versions if advisory.affects(Version(one))]
        for name, advisory in found.items()
    }
    assert affected == {"A": ["1.0", "2.0", "2.3"], "B": ["3.0rc1", "4.0"], "E": ["1.0"]}


def test_the_file_tells_how_old_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of which commit of the database, and of which day."""
    assert re.search(r", commit [0-9a-f]{40} of \d{4}-\d\d-\d\d\.$", _TEXT.splitlines()[1])
    folder = tmp_path / "vulns" / "some-package"
    folder.mkdir(parents=True)
    (folder / "A.yaml").write_text(_ADVISORY.format(id="A", events='{introduced: "1"}', more=""))
    monkeypatch.setattr(advisories, "FILE", tmp_path / "advisories.txt")
    advisories.write(tmp_path, "abc of 2026-01-01")
    _, told, _, line = advisories.FILE.read_text().splitlines()
    assert told.endswith(", commit abc of 2026-01-01.")
    assert line == "some-package A >=1"
