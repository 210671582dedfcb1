"""Money in sentences."""

from decimal import Decimal

from spanledger_collector.query.dollars import exact_dollars, in_dollars


def test_the_sign_stands_before_the_symbol() -> None:
    """Of an exact amount every digit, of an end of an interval three."""
    amount = Decimal("-1234.567890")
    assert (exact_dollars(amount), in_dollars(amount)) == ("-$1234.56789", "-$1,235")
    assert (exact_dollars(Decimal("-0.050")), in_dollars(Decimal("-0.05"))) == (
        "-$0.05",
        "-$0.0500",
    )
    assert (exact_dollars(Decimal("-0.00")), in_dollars(Decimal(0))) == ("$0", "$0")
