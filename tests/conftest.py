"""What holds for every test."""

import os

import pytest
from hypothesis import HealthCheck, settings

#: The contract matrix after a run; pytest's own tool for tests of plug-ins.
pytest_plugins = ["tests.support.matrix", "tests.support.fault_marks", "pytester"]

# LiteLLM fetches its list of prices when it is imported, also where the doctor imports it.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
# huggingface_hub asks the Hub for its list of agents in the first call of a process.
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

# Simulated providers are OpenAI under this name; nobody bills for calls in one's own network.
os.environ.setdefault("SPANLEDGER_PROVIDERS", "localhost=openai")

# How long an example takes depends on who else uses the machine, not on what is tested.
settings.register_profile(
    "spanledger", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("spanledger")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first: at the end of the run no worker is left alone with one.

    (``make test`` tells xdist to keep that order; by itself it begins with files of many tests.)
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
