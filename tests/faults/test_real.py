"""A small share of `make chaos`: deployed functions, killed for real."""

from tests.faults.real import run


def test_functions_killed_at_random_in_the_embedded_aws_lose_nothing() -> None:
    chaos = run(objects=8, kills=2, timeout=20, factor=0.15)
    assert chaos.violations == []
    assert chaos.kills == 2
    assert chaos.restarts == 1
    assert set(chaos.statuses) == {"PUBLISHED", "BLOCKED", "REJECTED"}
