"""The program of both stacks, run once each under the recording engine, with stand-ins for the zips."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

with warnings.catch_warnings():
    # pulumi_aws loads these at first use, and deprecates aliases of its own meanwhile.
    warnings.simplefilter("ignore", DeprecationWarning)
    import pulumi_aws as aws

    LOADED = (aws.s3.Bucket, aws.lambda_.Function)

from components.packaging import StackPackages
from components.stack_files import StackFiles
from tests.components.config_parsing import Raw
from tests.components.recording import PROJECT, Recording, run_program, without_packaging

STACKS = ("dev", "prod")
ORIGINS = ["https://www.example.com", "https://app.example.com:8443"]
TOLD: Mapping[str, Any] = {"notify": {"alerts": ["ops@example.com"], "results": []}}
"""Somebody to tell: without an address a stack has the essential alarms only."""
WHOLE: Mapping[str, Any] = {
    **TOLD,
    "reconcile": "daily",
    "review": {"console": True, "approvals": {"Explicit": 2}},
}
"""Every function, and every alarm."""
Run = Callable[..., Recording]


@pytest.fixture(scope="session")
def zips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackPackages]:
    """Small zips instead of the real ones, which packaging has tests of its own for."""
    with without_packaging(tmp_path_factory.mktemp("packages")) as packages:
        yield packages


@pytest.fixture(scope="session")
def run(zips: StackPackages) -> Run:
    """Run a stack's program, with configuration on top of its file's."""

    def run_stack(
        stack: str = "dev",
        overrides: Mapping[str, Any] | None = None,
        *,
        api_gateway_role: str = "",
        **account: Any,
    ) -> Recording:
        return run_program(StackFiles.read(PROJECT, stack, overrides), api_gateway_role, **account)

    return run_stack


@pytest.fixture(scope="session")
def recordings(run: Run) -> dict[str, Recording]:
    """Record both stacks of the repository; with subscribers and the daily reconcile, `dev` with web pages."""
    dev = {
        "notify": {"alerts": ["ops@example.com"], "results": ["team@example.com"]},
        "reconcile": "daily",
        "review": {"console": True, "approvals": {"Explicit": 2}},
        **part("dev", "api", corsOrigins=ORIGINS),
    }
    return {
        "dev": run("dev", dev),
        "prod": run("prod", WHOLE),
    }


def part(stack: str, name: str, **changed: object) -> dict[str, object]:
    """Return an override of a stack's group of keys, enabled and with some keys changed."""
    own = StackFiles.read(PROJECT, stack).values[f"media-pipeline:{name}"]
    assert isinstance(own, dict)
    return {name: {**own, **({"enabled": True} if "enabled" in own else {}), **changed}}


@pytest.fixture(params=STACKS)
def recorded(request: pytest.FixtureRequest, recordings: dict[str, Recording]) -> Recording:
    """Each of the two stacks in turn."""
    return recordings[str(request.param)]


@pytest.fixture(scope="session")
def dev(recordings: dict[str, Recording]) -> Recording:
    """Return the recording of the dev stack."""
    return recordings["dev"]


@pytest.fixture(scope="session")
def prod(recordings: dict[str, Recording]) -> Recording:
    """Return the recording of the prod stack."""
    return recordings["prod"]


@pytest.fixture
def raw() -> Raw:
    """Return the dev stack's keys, typed as in YAML, for a test to change."""
    files = StackFiles.read(PROJECT, "dev")
    return {
        key.removeprefix("media-pipeline:"): value
        for key, value in files.values.items()
        if key.startswith("media-pipeline:")
    }
