"""The driver's errors as ours: passing (try again) or permanent, with code, query and advice.

Codes and names are those of ClickHouse's ``ErrorCodes.cpp``. A code that is not listed is
permanent: sending the same statement again would fail again. An HTTP error without a code is not of
ClickHouse but of what stands in front of it (a proxy, a balancer), and says nothing of what was
sent: it is passing where its status is one of a server's or of too much. Server stack traces,
version trailers and the echo of the statement never reach a message.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager

from clickhouse_connect.driver.exceptions import ClickHouseError, Error, OperationalError

from spanledger_collector.errors import (
    CollectorError,
    ConfigurationError,
    PermanentError,
    StoreUnavailableError,
    TooLargeError,
)

_MAX_DETAIL = 400
_MAX_READ = 4000

# Code -> what the operator can do. The fault may pass by itself.
_PASSING: dict[int, str] = {
    74: "the server cannot read a file; see its log, disk and limits",
    75: "the server cannot write a file; free space on its disk, see its log",
    76: "the server cannot open a file; allow it more open files, free space, see its log",
    77: "the server cannot close a file; free space on its disk, see its log",
    101: "another server of the cluster broke off; see its log",
    159: "it took too long; ask for less, or allow more time",
    160: "it would take too long; ask for less, or allow more time",
    164: "the server is read-only for this user or for now",
    173: "memory ran out; ask for less, or allow more memory",
    198: "the server's name cannot be resolved",
    201: "the user's quota is used up; wait, or raise it",
    202: "the server runs too many queries; wait",
    203: "the server has no free connection; wait",
    209: "the network timed out",
    210: "the network failed",
    225: "the cluster's Keeper does not answer",
    236: "the server is stopping",
    241: "memory ran out; ask for less, or allow more memory",
    242: "the table is read-only: its replica has lost Keeper, or its disk is broken",
    243: "the disk is full; free space",
    252: "parts are made faster than merged; wait, and send larger batches",
    254: "no replica is alive",
    279: "no server of the cluster could be reached; see whether they run",
    285: "too few replicas are alive",
    286: "the insert reached too few replicas",
    319: "it is unknown whether the insert was committed; ask before sending again",
    394: "the query was cancelled",
    425: "the operating system refused; see the server's log",
    439: "the server has no free thread; wait",
    473: "two statements waited for each other; try again",
    499: "the object storage failed",
    574: "a distributed table has too much waiting to be sent",
    692: "too many mutations are waiting",
    733: "the table is being restarted",
    745: "the server is overloaded; wait",
    999: "the cluster's Keeper failed",
    1000: "the server's network or files failed; see its log",
}
_MEMORY_CODES = frozenset({173, 241})

# Code -> what its message says where it may pass -> what to do. 32 is told of an empty text that
# should be a number as well, which does not pass; 1001 is any exception of C++.
_BAD_ALLOC = "std::bad_alloc"
_SOMETIMES_PASSING: dict[int, dict[str, str]] = {
    32: {
        "receiving packet": "another server of the cluster broke off; see its log",
        "from socket": "another server of the cluster broke off; see its log",
    },
    1001: {
        "No space left on device": "the disk is full; free space",
        "Too many open files": "allow the server more open files",
        _BAD_ALLOC: "memory ran out; ask for less, or allow more memory",
    },
}

# An HTTP error without a code, as the driver tells it, and which of them may pass.
_STATUS = re.compile(r"HTTP driver received HTTP status (\d{3})\b")
_PASSING_STATUSES = frozenset({408, 425, 429, *range(500, 600)})
_PAGE = re.compile(r"<[!/a-zA-Z][^>]*>")

# An answer over max_result_rows or max_result_bytes.
_TOO_LARGE = 396

# Code -> what to do. Only a change of settings or rights helps.
_CONFIGURATION: dict[int, str] = {
    81: "the database does not exist; `spanledger up` creates it",
    192: "no such user; check the address",
    193: "wrong password; check the address",
    194: "a password is needed; check the address",
    497: "the user lacks rights: a collector makes, fills and reads the tables and views of its "
    "database, a reader needs SELECT on them",
    516: "wrong user or password; check the address",
}

_TRAILER = re.compile(r"\s*\(version [^)]*(?:\([^)]*\)[^)]*)?\)\s*$")
_STACK = re.compile(r"\s*(?:Stack trace:|, Stack trace|\(Stack trace).*$", re.DOTALL)
_ECHO = re.compile(r"[.:]?\s+In (?:scope|query) .*?(?=\([A-Z_]+\)\s*$|$)", re.DOTALL)
_EXPECTED = re.compile(r"\s*Expected one of: .*?(?=\([A-Z_]+\)\s*$|$)", re.DOTALL)
_PREFIX = re.compile(r"^.*?Code: \d+\.\s*(?:DB::Exception:\s*)?", re.DOTALL)
_HEADER = re.compile(r"\s*--\s*([\w.]+):")


def statement_name(sql: str) -> str:
    """What a statement is called in messages: its header comment's name, else its first words."""
    header = _HEADER.match(sql)
    if header:
        return header.group(1)
    words = " ".join(sql.split())
    return words if len(words) <= 60 else f"{words[:57]}..."  # noqa: PLR2004 -- one screen line


def detail(error: BaseException) -> str:
    """The driver's message without stack trace, version, statement echo; one line, cut."""
    text = str(error)
    if len(text) > _MAX_READ:  # the server repeats the statement; code and name stand at the ends
        text = f"{text[: _MAX_READ - 500]} ... {text[-500:]}"
    if _STATUS.search(text):
        text = _PAGE.sub(" ", text)
    for noise in (_STACK, _TRAILER, _ECHO, _EXPECTED):
        text = noise.sub(" ", text)
    text = " ".join(_PREFIX.sub("", text).split())
    return text if len(text) <= _MAX_DETAIL else f"{text[: _MAX_DETAIL - 3]}..."


def translate(error: ClickHouseError, what: str) -> CollectorError:
    """Our error for one of the driver's.

    Args:
        error: what the driver raised.
        what: the statement's name, or what was being tried.
    """
    code = error.code if isinstance(error, Error) else None
    ours = _translated(error, what, code)
    ours.clickhouse_code = code
    ours.out_of_memory = code in _MEMORY_CODES or (
        code in _SOMETIMES_PASSING and _BAD_ALLOC in str(error)
    )
    return ours


def _translated(error: ClickHouseError, what: str, code: int | None) -> CollectorError:
    status = _STATUS.search(str(error)) if code is None else None
    if status and "DB::Exception" not in str(error) and int(status.group(1)) in _PASSING_STATUSES:
        return StoreUnavailableError(
            f"something in front of ClickHouse answered for it ({what}): {detail(error)}; see the "
            "proxy or balancer there"
        )
    if code is None:
        if isinstance(error, OperationalError):
            return StoreUnavailableError(
                f"ClickHouse does not answer ({what}): {detail(error)}; check address and network"
            )
        return PermanentError(f"{what} cannot be run: {detail(error)}")
    told = f"{what} failed with ClickHouse error {code}: {detail(error)}"
    advice = _PASSING.get(code) or _sometimes(code, str(error))
    if advice:
        return StoreUnavailableError(f"{told}; {advice}")
    return _permanent(code, told)


def _permanent(code: int, told: str) -> CollectorError:
    if code == _TOO_LARGE:
        return TooLargeError(
            f"{told}; ask for less: narrow since and until, or ask for fewer rows or columns"
        )
    if code in _CONFIGURATION:
        return ConfigurationError(f"{told}; {_CONFIGURATION[code]}")
    return PermanentError(told)


def _sometimes(code: int, message: str) -> str | None:
    told = _SOMETIMES_PASSING.get(code, {})
    return next((advice for text, advice in told.items() if text in message), None)


@contextmanager
def translated(what: str) -> Generator[None, None, None]:
    """Errors of the driver inside the block leave it as errors of ours.

    Args:
        what: a statement (its name is derived) or a few words.

    Raises:
        StoreUnavailableError: the fault may pass.
        ConfigurationError: address or rights are wrong.
        TooLargeError: the answer is larger than was allowed.
        PermanentError: the statement or its data are wrong.
    """
    try:
        yield
    except ClickHouseError as error:
        raise translate(error, statement_name(what)) from error
