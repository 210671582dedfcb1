"""The environments of tests: their own packages in front, ours behind."""

import json
import subprocess
from importlib import metadata
from pathlib import Path

import pytest
from tests.support.environments import ENVIRONMENTS, Environments

from spanledger import __file__ as ours

_ASK = """
import importlib.metadata, json, spanledger, sys
names = json.loads(sys.argv[1])
versions = {name: importlib.metadata.version(name) for name in names}
print(json.dumps([versions, spanledger.__file__]))
"""


def test_an_environment_has_its_pins_and_behind_them_our_packages() -> None:
    pins = (ENVIRONMENTS.pins / "otel-openai-v2.txt").read_text().split()
    wanted = dict(pin.split("==") for pin in pins)
    wanted["openai"] = metadata.version("openai")
    python = ENVIRONMENTS.python("otel-openai-v2")
    told = subprocess.check_output([python, "-c", _ASK, json.dumps(list(wanted))], text=True)
    assert json.loads(told) == [wanted, ours]


def test_it_is_made_again_when_its_pins_change_and_never_used_half_made(tmp_path: Path) -> None:
    """No package is needed to show it."""
    pins = tmp_path / "pins"
    pins.mkdir()
    one = Environments(pins, tmp_path / "made", layered=True)
    listed = pins / "bare.txt"
    listed.write_text("./no-such-package\n")
    with pytest.raises(RuntimeError, match=r"(?s)'bare' cannot be made.*no-such-package"):
        one.python("bare")
    assert not one.is_ready("bare")
    listed.write_text("# nothing more\n")
    made = one.python("bare")
    assert one.is_ready("bare")
    assert one.python("bare") == made
    listed.write_text("# nothing more, but said in other words\n")
    assert not one.is_ready("bare")


def test_a_layer_names_only_what_differs() -> None:
    same = set((ENVIRONMENTS.pins.parents[1] / "constraints.txt").read_text().splitlines())
    for name in ENVIRONMENTS.names():
        pins = (ENVIRONMENTS.pins / f"{name}.txt").read_text().splitlines()
        assert not same & set(pins), f"run make test-pins: {name} repeats constraints.txt"
