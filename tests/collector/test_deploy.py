"""The compose file, the image and ClickHouse's settings: valid, pinned, bounded."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml
from tests.collector.whole_collector import ask, running, until
from tests.support import compose

from spanledger_collector.cli.app import execute
from spanledger_collector.config import CollectorConfig, settings
from spanledger_collector.errors import ConfigurationError
from spanledger_collector.pipeline import Collector
from spanledger_collector.serve.loopback import LOOPBACK, allowed
from spanledger_collector.store import Store

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
#: Of github.com/compose-spec/compose-spec (Apache-2.0), as it stood at 170098ba.
SCHEMA = ROOT / "tests" / "support" / "compose-spec.json"
SECRETS = {"CLICKHOUSE_PASSWORD", "CLICKHOUSE_READER_PASSWORD", "GRAFANA_PASSWORD"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
_PROMETHEUS = (ROOT / "deploy/prometheus/prometheus.yml").read_text()


def test_the_compose_file_is_valid() -> None:
    """By the schema of the Compose Specification."""
    jsonschema.Draft7Validator(json.loads(SCHEMA.read_text())).validate(COMPOSE)


@pytest.mark.skipif(not compose.command(), reason=compose.HOW)
def test_docker_takes_the_compose_file() -> None:
    """With the three passwords, and not without."""
    command = [*compose.command(), "--file", str(ROOT / "docker-compose.yml"), "config", "-q"]
    bare = {key: value for key, value in os.environ.items() if key not in SECRETS}
    given = bare | dict.fromkeys(SECRETS, "secret")
    assert subprocess.run(command, env=given, capture_output=True, check=False).returncode == 0
    refused = subprocess.run(command, env=bare, capture_output=True, check=False)
    assert b"set it in .env" in refused.stderr


def _filled(text: str, given: Mapping[str, str] | None = None) -> str:
    """A value of the compose file with its variables, as Compose fills them in."""
    given = given or {}
    text = re.sub(r"\$\{(\w+):-([^}]*)\}", lambda one: given.get(one[1]) or one[2], text)
    return re.sub(r"\$\{(\w+):\?[^}]*\}", lambda one: given[one[1]], text)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_and_bounded(name: str) -> None:
    """A whole version, memory, a health check, restarts; loopback ports by default."""
    service = SERVICES[name]
    if "build" not in service:
        assert re.search(r":v?\d+\.\d+\.\d+[\d.]*$", service["image"])
    assert service["healthcheck"]["test"]
    assert service["mem_limit"]
    assert service["restart"] == "unless-stopped"
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}
    # ClickHouse's image begins as root and becomes its own user.
    is_bare = (service.get("cap_drop"), service.get("security_opt"))
    assert name == "clickhouse" or is_bare == (["ALL"], ["no-new-privileges:true"])
    for port in service.get("ports", []):
        assert _filled(port).startswith("127.0.0.1:")
    for volume in service.get("volumes", []):
        source = _filled(volume).partition(":")[0]
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_no_foreign_name_reads_the_ledger() -> None:
    """The collector listens for its container: it answers by names of this machine and its own."""
    told = SERVICES["collector"]["environment"]["SPANLEDGER_ALLOWED_HOSTS"]
    names = {*LOOPBACK, "collector", "host.docker.internal"}
    assert allowed("0.0.0.0", _filled(told)) == names  # noqa: S104 - as in the container
    more = _filled(told, {"SPANLEDGER_NAMES": "Ledger.example"})
    assert allowed("0.0.0.0", more) == {*names, "ledger.example"}  # noqa: S104 - likewise
    (asked,) = yaml.safe_load(_PROMETHEUS)["scrape_configs"]
    assert asked["static_configs"] == [{"targets": ["collector:4319"]}]


def test_prometheus_has_a_key_when_there_is_one() -> None:
    """The file that it reads is mounted, empty until told; what is a comment is valid too."""
    (asked,) = yaml.safe_load(_PROMETHEUS)["scrape_configs"]
    place = asked["authorization"]["credentials_file"]
    (mounted,) = [one for one in SERVICES["prometheus"]["volumes"] if f":{place}:ro" in one]
    source = _filled(mounted).partition(":")[0]
    assert (ROOT / source).read_bytes() == b""
    given = {"SPANLEDGER_METRICS_KEY_FILE": "./deploy/prometheus/key"}
    assert _filled(mounted, given) == f"./deploy/prometheus/key:{place}:ro"
    with_tls = re.sub(r"^    # (?=scheme|tls_config|  )", "    ", _PROMETHEUS, flags=re.MULTILINE)
    (asked,) = yaml.safe_load(with_tls)["scrape_configs"]
    assert (asked["scheme"], list(asked["tls_config"])) == ("https", ["server_name"])


def test_secrets_stay_out_of_the_repository(tmp_path: Path) -> None:
    """What a deployment writes beside our files is neither committed nor built in."""
    git = shutil.which("git")
    assert git is not None
    subprocess.run([git, "init", "-q", str(tmp_path)], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    kept = ("deploy/spanledger/README.md", "deploy/spanledger/alerts.example.yaml")
    secret = (".env", "deploy/prometheus/key", "deploy/spanledger/tls.key")
    told = subprocess.run(
        [git, "check-ignore", *secret, *kept, "deploy/prometheus/no-key"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout.split() == list(secret)
    assert (ROOT / ".dockerignore").read_text().splitlines()[-1] == "**/.env"
    assert "(umask 077; " in (ROOT / "docs/deploy.md").read_text()


def _collector_environment(**given: str) -> dict[str, str]:
    """Of the collector's container, the image's own too; /etc/spanledger is the folder."""
    told = re.findall(r"(SPANLEDGER_\w+)=(\S+)", DOCKERFILE)
    passwords = dict.fromkeys(SECRETS, "secret") | given
    filled = {
        name: _filled(value, passwords).replace("/etc/spanledger", str(ROOT / "deploy/spanledger"))
        for name, value in SERVICES["collector"]["environment"].items()
    }
    return {**dict(told), **filled}


def _config(
    monkeypatch: pytest.MonkeyPatch, folder: Path, database: str, **given: str
) -> CollectorConfig:
    for name, value in _collector_environment(**given).items():
        monkeypatch.setenv(name, value)
    ports = {"grpc_port": 0, "http_port": 0, "api_port": 0}
    return settings({**ports, "data_dir": folder, "database": database})


@pytest.mark.slow
async def test_the_collector_starts_as_the_compose_file_has_it(
    tmp_path: Path, store_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what .env may tell: by default nothing; budgets; for other machines, with keys alone."""
    volume = "./deploy/spanledger:/etc/spanledger:ro"
    assert volume in SERVICES["collector"]["volumes"]
    config = _config(monkeypatch, tmp_path / "data", store_dsn)
    assert config.host == "0.0.0.0"  # noqa: S104 - as in the container
    told = {name: getattr(config, name) for name in CollectorConfig.model_fields}
    assert not [name for name, value in told.items() if name.endswith("_file") and value]
    assert config.tls_certificate is None
    alerts = "/etc/spanledger/alerts.example.yaml"
    config = _config(monkeypatch, tmp_path / "data", store_dsn, SPANLEDGER_ALERTS_FILE=alerts)
    async with running(config) as (collector, ports):
        await collector.opened()
        # As Prometheus asks with an empty file.
        asked = {"Host": "collector:4319", "Authorization": "Bearer"}
        status, told, _ = await asyncio.to_thread(ask, ports.api, "/metrics", None, asked)
        assert (status, b"spanledger_watch_age_seconds" in told) == (200, True)

        async def watched() -> bool:
            headers = {"Host": "localhost"}
            answer = await asyncio.to_thread(ask, ports.api, "/v1/budgets", None, headers)
            return answer[0] == 200 and json.loads(answer[1])["budgets"] != []

        await until(watched)
    public = {"SPANLEDGER_BIND": "0.0.0.0", "SPANLEDGER_NAMES": "ledger.example"}  # noqa: S104
    config = _config(monkeypatch, tmp_path / "data", store_dsn, **public)
    with pytest.raises(ConfigurationError, match="keys add"):
        Collector(config)
    assert execute(["keys", "add", "--may", "operate", "--data-dir", str(tmp_path / "data")]) == 0
    async with running(config) as (_, ports):
        answer = await asyncio.to_thread(ask, ports.api, "/metrics", None, asked)
        assert answer[0] == 401


def test_every_password_has_to_be_given() -> None:
    """No value stands in a file: what needs one refuses to start without."""
    told = {
        f"{name}.{key}": str(value)
        for name, service in SERVICES.items()
        for key, value in service.get("environment", {}).items()
    }
    secret = {key: value for key, value in told.items() if re.search("PASSWORD|DATABASE$", key)}
    used: set[str] = set()
    for key, value in secret.items():
        named = re.findall(r"\$\{(\w+):\?", value)
        assert named or key == "grafana.CLICKHOUSE_DATABASE"
        used |= set(named)
    assert used == SECRETS
    for path in ("clickhouse/config.xml", "clickhouse/users.xml"):
        root = ET.parse(ROOT / "deploy" / path).getroot()  # noqa: S314 - a file of ours
        for password in root.iter("password"):
            assert password.get("from_env") == "CLICKHOUSE_READER_PASSWORD"
            assert not password.text


def test_the_server_stays_below_its_container() -> None:
    """ClickHouse refuses a query before the kernel ends the server; its own logs end."""
    root = ET.parse(ROOT / "deploy/clickhouse/config.xml").getroot()  # noqa: S314 - ours
    limit = root.findtext("max_server_memory_usage")
    assert limit is not None
    assert SERVICES["clickhouse"]["mem_limit"] == "4g"
    assert int(limit) < 4 << 30
    for name in ("query_log", "part_log", "metric_log", "asynchronous_metric_log"):
        ttl = root.findtext(f"{name}/ttl")
        assert ttl is not None
        assert re.fullmatch(r"event_date \+ INTERVAL \d DAY DELETE", ttl)
    for log in (child for child in root if child.tag.endswith("_log")):
        assert (log.get("remove") == "1") != (log.find("ttl") is not None), log.tag


def test_grafana_reads_only() -> None:
    """Its user cannot write, and every query of it is bounded."""
    root = ET.parse(ROOT / "deploy/clickhouse/users.xml").getroot()  # noqa: S314 - ours
    assert root.findtext("profiles/reader/readonly") == "2"
    assert root.findtext("users/reader/grants/query") == "GRANT SELECT ON spanledger.*"
    assert root.findtext("profiles/reader/constraints/max_memory_usage/max")
    environment = SERVICES["grafana"]["environment"]
    assert environment["CLICKHOUSE_READER"] == "reader"
    source = (ROOT / "dashboards/provisioning/datasources/spanledger.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)\}", source)) <= set(environment)


#: A server with these users, as the reader without its password: the profile is what is tested.
_ASK_AS_READER = """
import json, sys
import chdb
connection = chdb.connect(f"{sys.argv[1]}/ledger?config-file={sys.argv[1]}/config.xml")
answers = []
for seconds in sys.argv[2:]:
    try:
        connection.query(f"SELECT 1 SETTINGS max_execution_time = {seconds}")
        answers.append("")
    except Exception as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


def test_grafana_may_ask_for_the_time_that_its_plugin_asks_for(tmp_path: Path) -> None:
    """The driver sends the time left of ``queryTimeout`` and 5 seconds (``context.go``).

    A setting above its constraint is an error of every panel, not a smaller limit.
    """
    source = yaml.safe_load(
        (ROOT / "dashboards/provisioning/datasources/spanledger.yaml").read_text()
    )
    sent = int(source["datasources"][0]["jsonData"]["queryTimeout"]) + 5
    users = ET.parse(ROOT / "deploy/clickhouse/users.xml").getroot()  # noqa: S314 - ours
    most = users.findtext("profiles/reader/constraints/max_execution_time/max")
    assert most is not None
    assert sent <= int(most)
    profile = users.find("profiles/reader")
    assert profile is not None
    profile.tag = "default"
    limits = ET.tostring(profile, encoding="unicode")
    (tmp_path / "users.xml").write_text(
        f"<clickhouse><profiles>{limits}</profiles><users><default><password/>"
        "<profile>default</profile></default></users></clickhouse>"
    )
    (tmp_path / "config.xml").write_text(
        f"<clickhouse><users_config>{tmp_path}/users.xml</users_config>"
        f"<path>{tmp_path}/ledger/</path></clickhouse>"
    )
    asked = [str(sent), str(60 + 5)]  # what the plug-in does by default
    told = subprocess.run(
        [sys.executable, "-c", _ASK_AS_READER, str(tmp_path), *asked],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    granted, refused = json.loads(told)
    assert granted == ""
    assert "shouldn't be greater than" in refused


def test_server_and_embedded_engine_are_one_version(module_store: Store) -> None:
    """The SQL that is tested here runs there."""
    with module_store.connect() as connection:
        (row,) = connection.rows("SELECT version() AS version")
    engine = ".".join(str(row["version"]).split(".")[:2])
    assert SERVICES["clickhouse"]["image"].startswith(f"clickhouse/clickhouse-server:{engine}.")


def test_the_image_is_not_root_and_has_no_engine() -> None:
    """What runs last, as whom, and what is installed."""
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["10001:10001"]
    last = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[-1].partition("USER 10001:10001")
    assert "ENTRYPOINT" in last[2]
    assert not re.search(r"^(RUN|COPY|ADD)\b", last[2], re.MULTILINE), "nothing is made as the user"
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert re.fullmatch(r"python:3\.\d+-slim-[a-z]+", image), "a version and a distribution"
    project = (ROOT / "pyproject.toml").read_text()
    extras = dict(re.findall(r"^(\w+) = \[\n((?:  .*\n)+)\]", project, re.MULTILINE))
    assert "clickhouse-connect" in extras["server"]
    assert '"chdb' in extras["collector"]
    assert '"chdb' not in extras["server"] + extras["dependencies"]
    assert '".[server]"' in DOCKERFILE
    # What tests/collector/cli/test_health.py runs, with TLS and names.
    assert re.search(r'^HEALTHCHECK .*CMD \["spanledger", "health"\]$', DOCKERFILE, re.MULTILINE)
    assert SERVICES["collector"]["healthcheck"]["test"] == ["CMD", "spanledger", "health"]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    shown = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    }
    for name in " ".join(copied).split():
        assert (ROOT / name).exists()
        assert name in shown


_WITHOUT_ENGINE = """
import sys
sys.modules["chdb"] = None
sys.modules["chdb_core"] = None
from spanledger_collector.cli import main
main()
"""


@pytest.mark.slow
def test_the_collector_runs_without_the_embedded_engine(
    fresh_http_dsn: str, tmp_path: Path
) -> None:
    """As in the image: chDB cannot be imported, the ledger is a server's, and it gets ready."""
    ports = ["--grpc-port", "0", "--http-port", "0", "--api-port", "0", "--json"]
    where = ["--data-dir", str(tmp_path / "data"), "--database", fresh_http_dsn]
    process = subprocess.Popen(
        [sys.executable, "-c", _WITHOUT_ENGINE, "up", *ports, *where],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        bound = json.loads(process.stdout.readline())
        assert _is_ready(f"http://127.0.0.1:{bound['api_port']}/readyz")
    finally:
        process.terminate()
        process.communicate(timeout=300)


def _is_ready(url: str, tries: int = 120) -> bool:
    for _ in range(tries):
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            time.sleep(0.5)
    return False
