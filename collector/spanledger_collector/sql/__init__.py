"""All SQL of the collector: one object a file, header = what, grain, units.

``schema/NNNN_<what>.sql`` tables and materialized views in the order they are created;
``transforms/`` statements that turn tables into tables; ``views/`` what users read;
``queries/`` named, parametrised reads.
"""

from functools import cache
from importlib.resources import files


@cache
def read(path: str) -> str:
    """The text of one SQL file.

    Args:
        path: relative to this package, such as ``transforms/settle_runs.sql``.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return files(__name__).joinpath(path).read_text(encoding="utf-8")


@cache
def names(folder: str) -> tuple[str, ...]:
    """File names (without ``.sql``) in one folder, sorted."""
    entries = files(__name__).joinpath(folder).iterdir()
    return tuple(sorted(e.name[: -len(".sql")] for e in entries if e.name.endswith(".sql")))
