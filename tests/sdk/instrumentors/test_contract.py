"""Every client file is under this contract as soon as it exists: nothing is left out of it."""

from __future__ import annotations

from tests.sdk.instrumentors import (  # each declares its behaviours
    test_contract_calls,
    test_contract_content,
    test_contract_failures,
    test_contract_streams,
)
from tests.sdk.instrumentors.behaviours import (
    CASES,
    CONTRACT,
    FILES,
)

from spanledger._patches import registry

_BEHAVIOURS = (
    test_contract_calls,
    test_contract_content,
    test_contract_failures,
    test_contract_streams,
)


def test_every_client_file_has_cases() -> None:
    """The discovery above would have failed for a file without cases; it found all of them."""
    assert {cases.instrumentor.client for cases in CASES} == set(registry.available())
    assert len(FILES) == len(registry.available())


def test_every_hole_is_declared() -> None:
    """A behaviour that is not tried on a client fails here, and so does a hole in nothing."""
    assert CONTRACT.gaps() == []
