"""What holds for every test."""

from hypothesis import HealthCheck, settings

# How long an example takes depends on who else uses the machine, not on what is tested.
settings.register_profile(
    "spanledger", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("spanledger")
