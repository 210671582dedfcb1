"""The demonstration keeps its hands off what is not its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from spanledger_collector.demo.show import show
from spanledger_collector.errors import ConfigurationError


async def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """Such as the ledger of a real collector: ``demo --data-dir`` must not remove it."""
    ledger = tmp_path / "data" / "ledger" / "precious"
    ledger.parent.mkdir(parents=True)
    ledger.write_text("years of figures")
    with pytest.raises(ConfigurationError, match="not from an earlier demonstration"):
        await show(tmp_path / "data", tickets=1, protocol="http/protobuf", step=print)
    assert ledger.read_text() == "years of figures"
