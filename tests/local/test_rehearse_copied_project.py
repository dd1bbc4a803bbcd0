"""The copy of a project's files that a rehearsal works on."""

import sys
from pathlib import Path

import pytest
import yaml

from components import engine_yaml
from local.rehearse.folder import RehearsalError, copy_project

OWN = """# A comment that stays.
config:
  aws:region: eu-west-1
  tiny:mode: off
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(
        "name: tiny\nruntime: {name: python, options: {virtualenv: .venv}}\n", "utf-8"
    )
    (folder / "Pulumi.dev.yaml").write_text(OWN, "utf-8")
    return folder


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    folder.mkdir()
    return folder


def test_the_stack_is_copied_as_it_is_and_the_program_is_not(project: Path, copy: Path) -> None:
    copied = copy_project(project, "dev", copy)
    assert (copied.region, copied.secrets) == ("eu-west-1", ())
    assert (copy / "Pulumi.dev.yaml").read_text("utf-8") == OWN
    described = yaml.safe_load((copy / "Pulumi.yaml").read_text("utf-8"))
    assert described["main"] == str(project)
    assert described["runtime"]["options"]["virtualenv"] == sys.prefix
    assert sorted(path.name for path in copy.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml"]


def test_what_only_the_own_backend_can_open_is_left_out_and_named(project: Path, copy: Path) -> None:
    sealed = f"encryptionsalt: v1:abc\n{OWN}  tiny:token:\n    secure: v1:x\n  tiny:deep: {{a: [{{secure: v1:y}}]}}\n"
    (project / "Pulumi.dev.yaml").write_text(sealed, "utf-8")
    assert copy_project(project, "dev", copy).secrets == ("tiny:deep", "tiny:token")
    left = (copy / "Pulumi.dev.yaml").read_text("utf-8")
    assert "v1:" not in left
    assert engine_yaml.load(left.encode())["config"] == {"aws:region": "eu-west-1", "tiny:mode": "off"}


@pytest.mark.parametrize(
    ("stack", "content", "told"),
    [
        ("staging", OWN, "There are: dev."),
        ("dev", "config: {}\n", "has no aws:region"),
        ("dev", "config: [", "Pulumi.dev.yaml"),
    ],
)
def test_a_stack_that_cannot_be_rehearsed_is_reported_in_a_sentence(
    project: Path, copy: Path, stack: str, content: str, told: str
) -> None:
    (project / "Pulumi.dev.yaml").write_text(content, "utf-8")
    with pytest.raises(RehearsalError, match=told.replace(".", r"\.")):
        copy_project(project, stack, copy)
