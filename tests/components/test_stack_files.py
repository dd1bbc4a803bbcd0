"""The files are merged as the engine does it."""

from pathlib import Path

import pytest

from components.config_errors import ConfigError
from components.stack_files import StackFiles, read_config
from tests.components.recording import PROJECT


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Write a project with a schema and one stack."""
    (tmp_path / "Pulumi.yaml").write_text(
        "name: media-pipeline\nconfig:\n"
        "  formats: {type: array, items: {type: string}, default: [jpeg]}\n"
        "  sizes: {type: object}\n"
        "  tracing: {type: boolean, default: true}\n"
        "  runtime: python3.13\n"
        "  aws:profile: {value: media}\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text(
        "config:\n  aws:region: eu-central-1\n  media-pipeline:sizes: {large: 1}\n  formats: [png]\n"
    )
    return tmp_path


def test_a_stacks_value_replaces_the_default_as_a_whole(project: Path) -> None:
    assert StackFiles.read(project, "dev").values == {
        "media-pipeline:formats": ["png"],
        "media-pipeline:sizes": {"large": 1},
        "media-pipeline:tracing": True,
        "media-pipeline:runtime": "python3.13",
        "aws:profile": "media",
        "aws:region": "eu-central-1",
    }


def test_overrides_come_last_with_or_without_namespace(project: Path) -> None:
    files = StackFiles.read(project, "dev", {"sizes": {"small": 2}, "aws:region": "us-east-1"})
    assert files.values["media-pipeline:sizes"] == {"small": 2}
    assert files.region == "us-east-1"


def test_the_program_gets_strings_and_json_as_from_the_engine(project: Path) -> None:
    texts = StackFiles.read(project, "dev", {"number": 64}).for_engine()
    assert texts["media-pipeline:formats"] == '["png"]'
    assert texts["media-pipeline:tracing"] == "true"
    assert texts["media-pipeline:number"] == "64"
    assert texts["aws:region"] == "eu-central-1"


def test_off_is_a_word_as_it_is_to_the_engine(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config:\n  moderation: {mode: off, yes: no, on: true}\n")
    moderation = StackFiles.read(project, "dev").values["media-pipeline:moderation"]
    assert moderation == {"mode": "off", "yes": "no", "on": True}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            b"config:\n  moderation: {mode: off}\n  moderation: {mode: observe}\n",
            "'moderation' stands there twice",
        ),
        (b"config:\n  sizes: {a: 1, a: 2}\n", "'a' stands there twice"),
        (b"config: [sizes]\n", "holds no keys"),
        (b"sizes\n", "holds no keys"),
        (b"config:\n  sizes: {a: 1} # gr\xf6\xdfe\n", "line 2 is not UTF-8"),
    ],
)
def test_what_the_engine_refuses_to_read_is_no_configuration(
    project: Path, text: bytes, message: str
) -> None:
    (project / "Pulumi.dev.yaml").write_bytes(text)
    with pytest.raises(ConfigError, match=message):
        StackFiles.read(project, "dev")


@pytest.mark.parametrize("value", ["{secure: abc}", "{large: {secure: abc}}", "[{secure: abc}]"])
def test_an_encrypted_value_is_told_not_guessed(project: Path, value: str) -> None:
    (project / "Pulumi.dev.yaml").write_text(f"config:\n  sizes: {value}\n")
    with pytest.raises(ConfigError, match="sizes: is encrypted"):
        StackFiles.read(project, "dev")


def test_a_stack_without_a_file_is_told_with_those_that_have_one() -> None:
    with pytest.raises(ConfigError, match=r"Pulumi.stage.yaml: is missing\n.*dev, prod"):
        read_config(PROJECT, "stage")


def test_a_file_that_is_no_yaml_is_told(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("config: [")
    with pytest.raises(ConfigError, match=r"Pulumi\.dev\.yaml: is not YAML"):
        StackFiles.read(project, "dev")


def test_an_empty_file_is_a_stack_without_values_of_its_own(project: Path) -> None:
    (project / "Pulumi.dev.yaml").write_text("")
    assert StackFiles.read(project, "dev").values["media-pipeline:formats"] == ["jpeg"]
