"""The shipped book, read once."""

import pytest

from spanledger_collector.price import PriceBook


@pytest.fixture(scope="session")
def book() -> PriceBook:
    """The book in the wheel."""
    return PriceBook.shipped()
