"""Where the merge ranks come from, and that only the published ones are accepted."""

import hashlib
import logging
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spanledger._ranks import build, sources
from spanledger._ranks.blob import (
    BLOB_SHA256,
    RANK_FILE_BYTES,
    RANK_FILE_SHA256,
    pack,
    parse_rank_file,
    render_rank_file,
    unpack,
)
from spanledger._ranks.sources import TOKENIZER_DIR_VARIABLE, find_ranks

BLOB = sources._BLOB


@pytest.fixture(name="rank_file", scope="session")
def _rank_file() -> bytes:
    """The published rank file, rebuilt from the blob."""
    return render_rank_file(unpack(BLOB.read_bytes()))


@pytest.fixture(name="bare")
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any source: no blob, empty caches, no packages; returns its cache."""
    for variable in (TOKENIZER_DIR_VARIABLE, "DATA_GYM_CACHE_DIR"):
        monkeypatch.delenv(variable, raising=False)
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(cache))
    monkeypatch.setattr(sources, "_BLOB", tmp_path / "absent.xz")
    monkeypatch.setattr(sources, "_PACKAGED", ())
    return cache


def test_the_blob_is_the_published_file(rank_file: bytes) -> None:
    """Unpacked and written as text it has the SHA-256 that OpenAI's library pins."""
    assert len(rank_file) == RANK_FILE_BYTES
    assert hashlib.sha256(rank_file).hexdigest() == RANK_FILE_SHA256
    assert hashlib.sha256(BLOB.read_bytes()).hexdigest() == BLOB_SHA256


def test_the_blob_comes_with_its_licence() -> None:
    """The notice beside it names the origin and the licence."""
    notice = BLOB.with_name("NOTICE").read_text()
    assert RANK_FILE_SHA256 in notice
    assert "MIT" in notice


def test_the_build_command_is_repeatable(
    rank_file: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Building from the published file gives a blob with the same ranks."""
    source, target = tmp_path / "o200k_base.tiktoken", tmp_path / "blob.xz"
    source.write_bytes(rank_file)
    assert build.main([str(source), str(target)]) == 0
    assert unpack(target.read_bytes()) == parse_rank_file(rank_file)
    assert hashlib.sha256(target.read_bytes()).hexdigest() in capsys.readouterr().out


def test_the_build_command_refuses_other_content(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong file is named with both hashes; a wrong call shows the usage."""
    source = tmp_path / "ranks"
    source.write_bytes(b"aGk= 0\n")
    assert build.main([str(source)]) == 1
    assert RANK_FILE_SHA256 in capsys.readouterr().err
    assert build.main([]) == 2


def test_nothing_found(bare: Path) -> None:
    """No source is no error."""
    assert find_ranks() is None


@pytest.mark.parametrize("name", [sources._FILE_NAME, sources._CACHE_NAME])
def test_the_library_cache_is_read(bare: Path, rank_file: bytes, name: str) -> None:
    """A rank file that tiktoken once cached is good enough."""
    (bare / name).write_bytes(rank_file)
    ranks = find_ranks()
    assert ranks is not None
    assert len(ranks) == 199_998


def test_a_wrong_hash_is_passed_over_and_left_alone(
    bare: Path, rank_file: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Same size, one byte changed: not used, told, not deleted."""
    damaged = bare / sources._CACHE_NAME
    content = bytes((rank_file[0] ^ 1,)) + rank_file[1:]
    damaged.write_bytes(content)
    with caplog.at_level(logging.WARNING, logger="spanledger.tokens"):
        assert find_ranks() is None
    assert str(damaged) in caplog.text
    assert damaged.read_bytes() == content


def test_a_wrong_size_is_not_even_read(bare: Path) -> None:
    """A huge or truncated file costs nothing."""
    (bare / sources._FILE_NAME).write_bytes(b"short")
    assert find_ranks() is None


def test_a_damaged_blob_is_passed_over(
    bare: Path, rank_file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next source takes its place."""
    damaged = tmp_path / "damaged.xz"
    damaged.write_bytes(BLOB.read_bytes()[:-1])
    monkeypatch.setattr(sources, "_BLOB", damaged)
    assert find_ranks() is None
    (bare / sources._CACHE_NAME).write_bytes(rank_file)
    assert find_ranks() is not None


def test_the_users_directory_comes_first(
    bare: Path, rank_file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It alone suffices; an empty one is told and the others are tried."""
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    monkeypatch.setenv(TOKENIZER_DIR_VARIABLE, str(chosen))
    assert find_ranks() is None
    (chosen / sources._FILE_NAME).write_bytes(rank_file)
    assert find_ranks() is not None


def test_installed_packages_are_found_without_importing_them(
    bare: Path, rank_file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package that bundles the file serves as a source; its code never runs."""
    package = tmp_path / "site" / "bundles_ranks"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    (package / "data" / sources._CACHE_NAME).write_bytes(rank_file)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(sources, "_PACKAGED", (("not_installed", "x"), ("bundles_ranks", "data")))
    assert find_ranks() is not None
    assert "bundles_ranks" not in sys.modules


@settings(max_examples=25)
@given(st.sets(st.binary(min_size=1, max_size=255), max_size=40))
def test_blob_and_rank_file_round_trip(tokens: set[bytes]) -> None:
    """Any gapless ranks survive both forms."""
    ranks = {token: rank for rank, token in enumerate(sorted(tokens))}
    assert unpack(pack(ranks)) == ranks
    assert parse_rank_file(render_rank_file(ranks)) == ranks


@pytest.mark.parametrize("ranks", [{b"a": 1}, {b"a": 0, b"b": 2}, {b"x" * 256: 0}])
def test_ranks_that_do_not_fit_the_blob_are_refused(ranks: dict[bytes, int]) -> None:
    """A gap or an overlong token is an error, not a silent change."""
    with pytest.raises(ValueError, match=r"gap|range"):
        pack(ranks)
