"""``spanledger prices update WHEEL``: a newer release out of its file, in a process of its own.

The wheel is made of the installed package: its own files, a later version, one price changed and
one model added.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from importlib.metadata import distribution
from pathlib import Path

import pytest

from spanledger_collector.cli.app import execute
from spanledger_collector.price import PriceBook
from spanledger_collector.price.book import SHIPPED
from spanledger_collector.price.bookfile import decode, unpack

if sys.version_info < (3, 11):  # an older catalogue may be there, for another package's sake
    pytest.skip("the upstream catalogue needs Python 3.11", allow_module_level=True)

_INSTALLED = distribution("genai-prices")
_OLD_PRICE = """id='llama-guard-3-8b',
                match=ClauseEquals(equals='llama-guard-3-8b'),
                prices=ModelPrice(input_mtok=Decimal('0.2'), output_mtok=Decimal('0.2')),"""
_NEW_PRICE = _OLD_PRICE.replace("input_mtok=Decimal('0.2')", "input_mtok=Decimal('0.3')")
_NEW_MODEL = f"""{_NEW_PRICE}
            ),
            ModelInfo(
                id='llama-9-1t',
                match=ClauseEquals(equals='llama-9-1t'),
                prices=ModelPrice(input_mtok=Decimal('7'), output_mtok=Decimal('9')),"""


def _wheel(folder: Path, version: str, *, name: str = "genai-prices", data: str = "") -> Path:
    """The installed package as a wheel of another version."""
    path = folder / f"genai_prices-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _INSTALLED.files or ():
            if file.parts[0] == "genai_prices" and file.suffix == ".py":
                text = file.read_text(encoding="utf-8")
                archive.writestr(str(file), data if data and file.name == "data.py" else text)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        archive.writestr(f"genai_prices-{version}.dist-info/METADATA", metadata)
    return path


def _changed() -> str:
    (file,) = (f for f in _INSTALLED.files or () if str(f) == "genai_prices/data.py")
    text = file.read_text(encoding="utf-8")
    assert text.count(_OLD_PRICE) == 1
    return text.replace(_OLD_PRICE, _NEW_MODEL)


def _update(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "spanledger_collector.cli", "prices", "update", *arguments]
    return subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_a_newer_wheel_is_appended(tmp_path: Path) -> None:
    """What it changes and adds, known from now; asked again it adds nothing, older is refused."""
    book_file = tmp_path / "price-book.json.xz"
    started = datetime.now(timezone.utc)
    done = _update(_wheel(tmp_path, "9.1.0", data=_changed()), "--book", book_file, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["upstreams"]["genai-prices"] == "9.1.0"
    before, after = decode(unpack(SHIPPED)), decode(unpack(book_file))
    assert list(after.rows[: len(before.rows)]) == list(before.rows)
    added = {row.model: row for row in after.rows[len(before.rows) :]}
    assert told["rows_added"] == len(added) == 2
    assert added["llama-guard-3-8b"].rates.input_usd_per_token == Decimal("0.0000003")
    assert added["llama-9-1t"].rates.output_usd_per_token == Decimal("0.000009")
    for row in added.values():
        assert started - timedelta(seconds=1) <= row.known_from <= datetime.now(timezone.utc)
        assert row.upstream == "genai-prices 9.1.0; start unknown"
    book = PriceBook.shipped(book_file=book_file)
    assert book.resolve("groq", "llama-9-1t").model == "llama-9-1t"

    kept = book_file.read_bytes()
    again = _update(tmp_path / "genai_prices-9.1.0-py3-none-any.whl", "--book", book_file)
    assert again.returncode == 0
    assert "0 rows appended" in again.stdout
    older = _update(_wheel(tmp_path, "9.0.9"), "--book", book_file)
    assert older.returncode == 2
    assert "genai-prices 9.0.9 is older than 9.1.0" in older.stderr
    assert book_file.read_bytes() == kept


def test_a_wheel_that_this_release_cannot_read_is_told(tmp_path: Path) -> None:
    """Its data are Python and may ask for what is not there; no book is made."""
    wheel = _wheel(tmp_path, "9.1.0", data="from .types import NothingOfTheKind\n")
    done = _update(wheel, "--book", tmp_path / "book.xz")
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "genai-prices 9.1.0 cannot be read by this release of spanledger" in said
    assert "NothingOfTheKind" in said
    assert "Traceback" not in said
    assert not (tmp_path / "book.xz").exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text", "File is not a zip file"),
        ("no metadata", "it has no METADATA"),
        ("another package", "it is numpy 2.0"),
        ("damaged", "it is damaged"),
        ("nothing", "there is no file"),
    ],
)
def test_something_else_is_refused(
    tmp_path: Path, content: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instead of the installed package being read silently; no book is made."""
    path = tmp_path / "given.whl"
    if content == "text":
        path.write_text("not a wheel")
    elif content == "no metadata":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "nothing")
    elif content == "another package":
        _wheel(tmp_path, "2.0", name="numpy").rename(path)
    elif content == "damaged":
        _wheel(tmp_path, "9.1.0").rename(path)
        held = bytearray(path.read_bytes())
        held[len(held) // 2] ^= 0xFF
        path.write_bytes(held)
    assert execute(["prices", "update", str(path), "--book", str(tmp_path / "book.xz")]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "book.xz").exists()
    assert str(path) not in sys.path
