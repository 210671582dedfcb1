"""One DSN says where a ledger is."""

import pytest

from spanledger_collector.errors import ConfigurationError
from spanledger_collector.store.address import Address


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("chdb:///srv/l", ("chdb", "spanledger", "/srv/l", "", 0)),
        ("chdb:///srv/a%20b/../l/?database=x_1", ("chdb", "x_1", "/srv/l", "", 0)),
        ("http://ch", ("http", "spanledger", None, "ch", 8123)),
        ("https://ch/costs", ("https", "costs", None, "ch", 8443)),
        ("http://[::1]:9000/a?database=b", ("http", "b", None, "::1", 9000)),
    ],
)
def test_forms_and_defaults(dsn: str, expected: tuple[object, ...]) -> None:
    """Every documented form is read; database and port have defaults."""
    address = Address.parse(dsn)
    path = None if address.path is None else str(address.path)
    assert (address.scheme, address.database, path, address.host, address.port) == expected


def test_an_argument_wins_over_the_dsn() -> None:
    """The database may be chosen apart from the DSN."""
    assert Address.parse("http://ch/a?database=b", "c").database == "c"


def test_user_and_password_are_decoded_and_never_shown() -> None:
    """Reserved characters travel percent-encoded; no representation shows the password."""
    address = Address.parse("http://al%40ice:s%2Fcret@ch:1/db")
    assert (address.user, address.password) == ("al@ice", "s/cret")
    assert "cret" not in repr(address) + address.shown
    assert address.shown == "http://ch:1 (database db)"


@pytest.mark.parametrize(
    ("dsn", "told"),
    [
        ("", "chdb:///path"),
        ("postgres://u:secret@h/db", "starts with 'postgres'"),
        ("chdb://", "needs a directory"),
        ("http://", "needs a host"),
        ("http://h:port/db", "cannot be read"),
        ("http://u:secret@h/a-b", "'a-b' cannot be a database name"),
        ("chdb:///p?database=a;b", "cannot be a database name"),
        ("http://u:secret@h/db?databse=x", "unknown option 'databse'"),
    ],
)
def test_what_cannot_work_is_told(dsn: str, told: str) -> None:
    """A wrong DSN names what is wrong, and never repeats the password."""
    with pytest.raises(ConfigurationError, match=told) as caught:
        Address.parse(dsn)
    assert "secret" not in str(caught.value)
