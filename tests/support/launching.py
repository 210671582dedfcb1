"""A program under ``opentelemetry-instrument``, with a simulated model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from spanledger_collector.demo.provider import Answer, Provider

#: It only prepares the environment; which interpreter then runs is said apart.
LAUNCHER: Final = str(Path(sys.executable).with_name("opentelemetry-instrument"))


def launch(
    folder: Path,
    program: str,
    endpoint: str,
    *options: str,
    python: Path | str = sys.executable,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run the program as the launcher does; its spans go to the endpoint."""
    script = folder / "app.py"
    script.write_text(program)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SPANLEDGER_"))}
    with Provider(default=lambda _: Answer(text="a b c", input_tokens=5)) as provider:
        finished = subprocess.run(
            [
                LAUNCHER, "--metrics_exporter", "none", "--logs_exporter", "none",
                "--exporter_otlp_protocol", "http/protobuf", *options,
                str(python), str(script),
            ],
            env={
                **clean,
                **provider.environment,
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                **environment,
            },
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    return finished
