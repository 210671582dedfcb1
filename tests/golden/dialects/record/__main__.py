"""Records what somebody's package really emits, as the first half of a golden pair.

``python -m tests.golden.dialects.record packages/openlit.py`` runs the script in an environment of
its own (``uv run``: the script's header names the versions; a ``.mjs`` beside a ``package.json``
runs under node after ``npm install``) against :mod:`server`, and writes
``<dialect>/<case>.json``. The header's ``case`` line says which file; ``truth`` in the file is what
the server answered: input tokens (cached ones included) and output tokens.

Ids and times are renumbered, so that recordings differ only where the package does. Attributes that
describe the machine are left out. The second half is written by ``--expect`` from what the
collector makes of it, to be read before it is kept: the test compares with it from then on. A case
that was not recorded says in ``read`` what it was written after.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.golden.dialects.record.expected import expect
from tests.golden.dialects.record.script import case_of, pins_of
from tests.golden.dialects.record.server import ModelServer
from tests.support.otlp_requests import KINDS, STATUSES

_FOLDER: Final = Path(__file__).parents[1]
_PORT: Final = 18_099
_FIRST_NS: Final = 1_795_486_434_000_000_000
_MACHINE: Final = ("code.", "process.", "thread.", "host.", "os.", "net.")


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(element) for element in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in value.kvlist_value.values}
    return None if kind is None else getattr(value, kind)


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {p.key: _plain(p.value) for p in pairs if not p.key.startswith(_MACHINE)}


class _Numbers:
    """Ids by order of appearance."""

    def __init__(self, digits: int) -> None:
        self._digits = digits
        self._next = count(1)
        self._seen: dict[bytes, str] = {}

    def of(self, raw: bytes) -> str:
        if raw not in self._seen:
            self._seen[raw] = f"{next(self._next):0{self._digits}x}"
        return self._seen[raw]


def _spans(exports: Iterable[ExportTraceServiceRequest]) -> list[dict[str, Any]]:
    """The spans of the exports in the order of their start, each once."""
    found = {
        (span.trace_id, span.span_id): (span, scope.scope)
        for export in exports
        for resource in export.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    held = sorted(found.values(), key=lambda pair: pair[0].start_time_unix_nano)
    traces, spans = _Numbers(32), _Numbers(16)
    shift = _FIRST_NS - held[0][0].start_time_unix_nano if held else 0
    return [
        {
            "trace_id": traces.of(span.trace_id),
            "span_id": spans.of(span.span_id),
            "parent_span_id": spans.of(span.parent_span_id) if span.parent_span_id else "",
            "name": span.name,
            "kind": KINDS[span.kind],
            "start_ns": span.start_time_unix_nano + shift,
            "end_ns": span.end_time_unix_nano + shift,
            "status": STATUSES[span.status.code],
            "scope": scope.name,
            "scope_version": scope.version,
            "attributes": _attributes(span.attributes),
        }
        for span, scope in held
    ]


def _command(script: Path) -> tuple[list[str], Path]:
    """What runs the script, and where."""
    # Under another name: beside itself, a script called as the package would be taken for it.
    scratch = Path(tempfile.mkdtemp(prefix="golden-"))
    copy = Path(shutil.copy(script, scratch / f"recording{script.suffix}"))
    if script.suffix == ".py":
        uv = os.environ.get("UV") or shutil.which("uv") or sys.exit("uv is not on the PATH")
        return [uv, "run", "--quiet", "--script", str(copy)], scratch
    shutil.copy(script.with_name("package.json"), scratch)
    npm = shutil.which("npm") or sys.exit("npm is not on the PATH")
    node = shutil.which("node") or sys.exit("node is not on the PATH")
    subprocess.run([npm, "install", "--silent", "--no-audit", "--no-fund"], cwd=scratch, check=True)
    return [node, str(copy)], scratch


def _environment(url: str) -> dict[str, str]:
    """Every package finds the server by the variables it reads anyway."""
    hidden = ("VIRTUAL_ENV", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in hidden} | {
        "MODEL_SERVER": url,
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_KEY": "k",
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "k",
        "GOOGLE_API_KEY": "k",
        "GOOGLE_GEMINI_BASE_URL": url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "k",
        "AWS_DEFAULT_REGION": "us-east-1",
        "OTEL_SERVICE_NAME": "golden",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }


def record(script: Path) -> Path:
    """Runs a script and writes its case.

    Raises:
        subprocess.CalledProcessError: the script failed.
        ValueError: its header names no case.
    """
    named = case_of(script)
    server = ModelServer(_PORT)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command, folder = _command(script)
    environment = _environment(f"http://127.0.0.1:{_PORT}")
    subprocess.run(command, cwd=folder, env=environment, check=True, timeout=300)
    server.shutdown()
    server.server_close()
    case = {
        "recorded": {
            "by": str(script.relative_to(_FOLDER)),
            "pins": pins_of(script),
            "truth": {"input": server.input_tokens, "output": server.output_tokens},
        },
        "resource": {"service.name": "golden"},
        "spans": _spans(server.exports),
    }
    target = _FOLDER / f"{named}.json"
    target.parent.mkdir(exist_ok=True)
    text = json.dumps(case, indent=1, ensure_ascii=False) + "\n"
    target.write_text(text, encoding="utf-8")
    return target


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="record")
    parser.add_argument("scripts", nargs="+", type=Path, help="packages/<name>.py")
    parser.add_argument("--expect", action="store_true", help="write what becomes of it, too")
    given = parser.parse_args()
    targets = [record((Path(__file__).parent / script).resolve()) for script in given.scripts]
    if given.expect:
        expect(targets)
    for target in targets:
        sys.stdout.write(f"{target.relative_to(_FOLDER)}\n")


if __name__ == "__main__":
    main()
