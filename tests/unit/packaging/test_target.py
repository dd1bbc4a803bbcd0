"""What pip and the environment markers get for each target."""

import sys

import pytest
from packaging.tags import sys_tags

from components.packaging import Target
from components.packaging.target import GLIBC


@pytest.mark.parametrize("runtime", GLIBC)
def test_pip_gets_the_targets_python_whatever_the_hosts_is(runtime: str) -> None:
    arguments = " ".join(Target(runtime, "arm64").pip_arguments)
    digits = runtime.removeprefix("python").replace(".", "")
    # Without --abi, pip on a free-threaded host would look for that kind of wheel.
    assert (
        f"--python-version {digits[0]}.{digits[1:]} --abi cp{digits} --platform manylinux_2_34_aarch64"
        in arguments
    )


def test_platforms_reach_from_the_runtimes_glibc_down_to_the_first_manylinux() -> None:
    arm, x86 = Target("python3.13", "arm64").platforms, Target("python3.13", "x86_64").platforms
    assert (arm[0], x86[0]) == ("manylinux_2_34_aarch64", "manylinux_2_34_x86_64")
    assert {"manylinux_2_17_aarch64", "manylinux2014_aarch64"} <= set(arm)
    assert {
        "manylinux_2_5_x86_64",
        "manylinux1_x86_64",
        "manylinux2010_x86_64",
        "manylinux2014_x86_64",
    } <= set(x86)
    assert not {"manylinux_2_35_aarch64", "manylinux_2_16_aarch64"} & set(arm)


def test_the_host_is_this_python_on_this_machine_and_pip_chooses_by_itself() -> None:
    host = Target.host()
    assert host.pip_arguments == ()
    assert host.markers["sys_platform"] == sys.platform
    assert host.fingerprint == f"host-{next(sys_tags())}"
