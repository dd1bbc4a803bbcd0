"""Every patch of moto is needed and works: AWS's behaviour is in the embedded AWS, and is not in plain moto."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws import moto_patches
from embedded_aws.isolation import without_aws
from embedded_aws.moto_setup import modules_of
from embedded_aws.world import World

from . import behaviours
from .checks import checks

ROOT = Path(__file__).resolve().parents[3]
PATCHES = sorted(modules_of(moto_patches))


@pytest.fixture(scope="module")
def in_plain_moto() -> dict[str, bool]:
    """Return what holds without any patch, in a process of its own."""
    answer = subprocess.run(
        [sys.executable, "-m", behaviours.__name__],
        cwd=ROOT,
        env={**without_aws(os.environ), "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found: dict[str, bool] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_every_patch_has_a_check_of_its_name() -> None:
    assert sorted(checks()) == PATCHES


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_states_awss_behaviour_its_source_and_motos(name: str) -> None:
    text = inspect.getdoc(modules_of(moto_patches)[name]) or ""
    assert "\nAWS: " in text
    assert "\nmoto: " in text
    assert "(" in text, "the document of AWS that says so"


@pytest.mark.parametrize("name", PATCHES)
def test_the_embedded_aws_behaves_as_aws_does(name: str) -> None:
    with World() as world:
        assert checks()[name](world.client)


@pytest.mark.parametrize("name", PATCHES)
def test_plain_moto_still_needs_the_patch(name: str, in_plain_moto: dict[str, bool]) -> None:
    assert not in_plain_moto[name], (
        f"moto behaves as AWS does by itself: delete moto_patches/{name}.py and its check"
    )
