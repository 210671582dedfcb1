"""``spanledger keys``: API keys are made, listed and revoked, beside a running collector too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from spanledger_collector.access import KeyFile, KeyRecord, Permission
from spanledger_collector.config import settings

from .grid import Grid
from .options import Json
from .output import answer, console, print_json, text

_NO_KEYS = (
    "No keys here, so requests need none. `spanledger keys add` makes one; from then on they do."
)
_COLUMNS = ("id", "workspace", "tenant", "may", "name", "=made", "=revoked")

DataDir = Annotated[Path | None, typer.Option(help="The collector's data directory.")]
File = Annotated[
    Path | None, typer.Option("--keys-file", help="Where keys are; keys.json in the directory.")
]

keys = typer.Typer(
    help="API keys: who may send, read and operate. A running collector sees a change in a second.",
    no_args_is_help=True,
)


@keys.command("add")
def add(
    workspace: Annotated[str, typer.Option(help="Whose ledger it writes and reads.")] = "default",
    tenant: Annotated[
        str, typer.Option(help="What is sent with it is of this tenant, whatever spans say.")
    ] = "",
    may: Annotated[
        list[str] | None,
        typer.Option(help="send, read or operate; several times. By default send and read."),
    ] = None,
    name: Annotated[str, typer.Option(help="What it is for, in your words.")] = "",
    data_dir: DataDir = None,
    keys_file: File = None,
    as_json: Json = False,
) -> None:
    """Make a key and show it, once: only its hash is kept.

    Example: spanledger keys add --workspace acme --may send --name "agents in production"
    """
    allowed = _permissions(may or (["send"] if tenant else ["send", "read"]))
    key, record = _file(data_dir, keys_file).add(workspace, tenant=tenant, may=allowed, name=name)
    if as_json:
        print_json({"key": key, **_plain(record)})
        return
    out = console()
    out.print(text(key))
    whose = f"workspace {record.workspace}" + (f", tenant {record.tenant}" if record.tenant else "")
    out.print(
        f"Key {record.key_id} of {text(whose)} may {', '.join(sorted(record.may))}. It is shown "
        "this once: keep it where you keep secrets."
    )


@keys.command("list")
def listed(data_dir: DataDir = None, keys_file: File = None, as_json: Json = False) -> None:
    """Every key, without the keys themselves.

    Example: spanledger keys list
    """
    rows = [_plain(record) for record in _file(data_dir, keys_file).read()]
    answer(rows, _table, as_json=as_json, nothing=_NO_KEYS)


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="Of the key, as `spanledger keys list` tells it.")],
    data_dir: DataDir = None,
    keys_file: File = None,
    as_json: Json = False,
) -> None:
    """Refuse a key from now on; running collectors do within a second.

    Example: spanledger keys revoke 3f9a0c1b22d4
    """
    record = _file(data_dir, keys_file).revoke(key_id)
    if as_json:
        print_json(_plain(record))
        return
    console().print(f"Key {record.key_id} of workspace {text(record.workspace)} is revoked.")


def _file(data_dir: Path | None, keys_file: Path | None) -> KeyFile:
    given = {"data_dir": data_dir, "keys_file": keys_file}
    return KeyFile(settings({k: v for k, v in given.items() if v is not None}).keys_path())


def _permissions(told: Sequence[str]) -> frozenset[Permission]:
    known: dict[str, Permission] = {"send": "send", "read": "read", "operate": "operate"}
    wrong = sorted(set(told) - set(known))
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r}: a key may {', '.join(known)}")
    if "operate" in told:
        told = [*told, "read"]
    return frozenset(known[one] for one in told)


def _plain(record: KeyRecord) -> dict[str, Any]:
    """All but the hash."""
    return {
        **record.model_dump(exclude={"sha256", "may"}),
        "may": sorted(record.may),
    }


def _table(rows: Sequence[dict[str, Any]]) -> Grid:
    cells = (
        (
            row["key_id"], text(row["workspace"]), text(row["tenant"]), ", ".join(row["may"]),
            text(row["name"]), f"{row['created_at']:%Y-%m-%d}",
            f"{row['revoked_at']:%Y-%m-%d}" if row["revoked_at"] else "",
        )
        for row in rows
    )  # fmt: skip
    return Grid("API keys", _COLUMNS, cells)
