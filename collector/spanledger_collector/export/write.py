"""The files: CSV that spreadsheets may open, and Parquet with exact decimals."""

import csv
import io
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from spanledger_collector.errors import PermanentError
from spanledger_collector.query import Ledger, checked

from .cells import cells
from .tables import Exported, Format, Grain, tables

#: Lines that are text at once: they take much more memory than their table.
_LINES = 10_000
_PARQUET_SUFFIX = ".parquet"
_Told = Callable[[int, int], None]


@checked
def export(
    ledger: Ledger,
    path: Path | str | BinaryIO,
    format: Format = "csv",  # noqa: A002 - the word of the command line
    *,
    grain: Grain | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    on_piece: _Told = lambda _done, _all: None,
) -> Exported:
    """Write a period of a ledger to a file.

    Args:
        ledger: to read.
        path: of the file; it is replaced when the export is complete. Or a stream that takes bytes,
            such as ``sys.stdout.buffer``: each piece is written as it is read, and it stays open.
        format: ``csv``, ``parquet``, or ``focus`` (CSV, or Parquet where the path ends in
            ``.parquet``).
        grain: what a row is (see :func:`~.tables.tables`); None = ``run``, of FOCUS ``day``.
        since: from this start on; None = from the first.
        until: before this one; None = to the last.
        on_piece: told after each piece how many are done, of how many.

    Raises:
        PermanentError: an argument is of the wrong kind, there is no such format or grain, or the
            file cannot be written.
        BrokenPipeError: nobody reads the stream any longer.
    """
    path = Path(path) if isinstance(path, str) else path
    focus = format == "focus"
    found = tables(
        ledger, grain or ("day" if focus else "run"), since=since, until=until, focus=focus
    )
    named_so = isinstance(path, Path) and path.suffix == _PARQUET_SUFFIX
    as_parquet = format == "parquet" or (focus and named_so)
    write = _write_parquet if as_parquet else _write_csv
    told = _told(found, found.pieces, on_piece)
    try:
        with _complete(path) if isinstance(path, Path) else _kept(path) as file:
            return Exported(write(file, told), found.unknown_cost_attempts)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror or error}") from error


def _told(found: Iterable[pa.Table], pieces: int, on_piece: _Told) -> Iterator[pa.Table]:
    for done, table in enumerate(found, 1):
        yield table
        on_piece(done, max(done, pieces))


@contextmanager
def _complete(path: Path) -> Generator[BinaryIO]:
    """A file beside it, which takes its place at the end; nothing is left of one that failed."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _kept(stream: BinaryIO) -> Generator[BinaryIO]:
    """A stream of somebody else, who closes it."""
    yield stream
    stream.flush()


def _write_parquet(file: BinaryIO, found: Iterator[pa.Table]) -> int:
    first = next(found)
    rows = first.num_rows
    with pq.ParquetWriter(file, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in found:
            rows += table.num_rows
            writer.write_table(table.cast(first.schema))
    return rows


def _write_csv(file: BinaryIO, found: Iterator[pa.Table]) -> int:
    rows = 0
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    try:
        for place, table in enumerate(found):
            if not place:
                writer.writerow(table.column_names)
            batches: Any = table.to_batches(max_chunksize=_LINES)
            for batch in batches:
                writer.writerows(zip(*map(cells, batch.columns), strict=True))
            rows += table.num_rows
    finally:
        # Else it would close the file when it is collected.
        text.detach()
    return rows
