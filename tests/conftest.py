"""What holds for every test."""

from hypothesis import HealthCheck, settings

#: The contract matrix after a run; pytest's own tool for tests of plug-ins.
pytest_plugins = ["tests.support.matrix", "pytester"]

# How long an example takes depends on who else uses the machine, not on what is tested.
settings.register_profile(
    "spanledger", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("spanledger")
