"""All SQL of the collector: one object a file, header = what, grain, units.

``schema/NNNN_<what>.sql`` tables and materialized views in the order they are created;
``transforms/`` statements that turn tables into tables; ``views/`` what users read;
``queries/`` named, parametrised reads. ``arithmetic/`` holds what several of them say alike: a line
``@include arithmetic/<name>`` stands for the text of that file; with ``of=inclusive_`` behind it
for that text with ``inclusive_`` in place of each ``$(of)``; a comma at the end goes behind it.
"""

import re
from functools import cache
from importlib.resources import files
from textwrap import indent

_INCLUDE = re.compile(r"^( *)@include (arithmetic/\w+)((?: \w+=[\w.]*)*)(,?)$", re.MULTILINE)
#: The comment that a file begins with.
_HEADER = re.compile(r"(--.*\n)+")


@cache
def read(path: str) -> str:
    """The text of one SQL file.

    Args:
        path: relative to this package, such as ``transforms/settle_runs.sql``.

    Raises:
        FileNotFoundError: there is no such file.
    """
    text = files(__name__).joinpath(path).read_text(encoding="utf-8")
    return _INCLUDE.sub(_included, text)


def _included(line: re.Match[str]) -> str:
    """The named file without its header, with what is given in place, indented as the line is."""
    body = _HEADER.sub("", read(f"{line[2]}.sql"), count=1)
    for given in line[3].split():
        name, _, text = given.partition("=")
        body = body.replace(f"$({name})", text)
    return indent(body.strip("\n") + line[4], line[1])


@cache
def names(folder: str) -> tuple[str, ...]:
    """File names (without ``.sql``) in one folder, sorted."""
    entries = files(__name__).joinpath(folder).iterdir()
    return tuple(sorted(e.name[: -len(".sql")] for e in entries if e.name.endswith(".sql")))
