"""A stack's files become what the embedded AWS deploys: checked, merged and overridden as by the engine."""

from pathlib import Path
from typing import Any

import pytest

from embedded_aws.deployment.deploy import DeployError
from embedded_aws.world import World
from local.stacks import deploy, stack_region


@pytest.fixture
def world() -> Any:
    with World() as opened:
        yield opened


@pytest.fixture
def write_project(tmp_path: Path) -> Any:
    """Return what writes Pulumi.yaml, Pulumi.dev.yaml and __main__.py; it returns the folder."""

    def write(program: str, *, schema: str = "", config: str = "") -> Path:
        (tmp_path / "Pulumi.yaml").write_text(f"name: tiny\nruntime: python\nconfig:\n{schema or '  {}'}\n")
        (tmp_path / "Pulumi.dev.yaml").write_text(f"config:\n  aws:region: eu-central-1\n{config}\n")
        (tmp_path / "__main__.py").write_text(f"import pulumi\nimport pulumi_aws as aws\n{program}\n")
        return tmp_path

    return write


@pytest.mark.parametrize(
    ("schema", "config", "overrides", "message"),
    [
        ("  memory: {type: integer}", "", {}, "Stack 'dev' is missing configuration value 'memory'"),
        ("  memory: {type: integer}", "  tiny:memory: lots", {}, "'memory' must be of type 'integer'"),
        ("  names: {type: array, items: {type: string}}", "  tiny:names: [a, 1]", {}, "'array<string>'"),
        ("  memory: {type: integer}", "  tiny:memory: 1", {"memory": 1.5}, "must be of type 'integer'"),
        ("", "  tiny:password: {secure: v1abc}", {}, "tiny:password: is encrypted"),
        ("  flag: {type: boolean}", "  tiny:flag: yes", {}, "must be of type 'boolean'"),
        ("", "  tiny:a: 1\n  tiny:a: 2", {}, "'tiny:a' stands there twice"),
    ],
)
def test_configuration_is_checked_as_the_engine_checks_it(
    world: World, write_project: Any, schema: str, config: str, overrides: dict[str, Any], message: str
) -> None:
    project = write_project("raise SystemExit('the program ran')", schema=schema, config=config)
    with pytest.raises(DeployError) as stopped:
        deploy(project, "dev", world, config_overrides=overrides)
    assert message in str(stopped.value)


def test_configuration_reaches_the_program_as_the_engine_hands_it_over(
    world: World, write_project: Any
) -> None:
    program = """
config = pulumi.Config()
pulumi.export("all", [config.require_int("memory"), config.require_bool("flag"), config.require_object("names"),
    config.require_object("sizes"), config.require("text"), config.get("undeclared")])
"""
    schema = (
        "  memory: {type: integer, default: 64}\n  flag: {type: boolean, default: true}\n"
        "  names: {type: array, items: {type: string}, default: [a]}\n"
        "  sizes: {type: object}\n  text: {default: t}"
    )
    config = '  tiny:memory: "128"\n  tiny:sizes: {a: 1, mode: off, at: 2026-01-01}'
    project = write_project(program, schema=schema, config=config)
    deployment = deploy(project, "dev", world, config_overrides={"sizes.b": 0.5, "undeclared": "typo"})
    assert deployment.outputs["all"] == [
        128,
        True,
        ["a"],
        {"a": 1, "mode": "off", "at": "2026-01-01", "b": 0.5},
        "t",
        "typo",
    ]


def test_an_update_reaches_into_an_object(world: World, write_project: Any) -> None:
    program = "pulumi.export('sizes', pulumi.Config().require_object('sizes'))"
    project = write_project(program, schema="  sizes: {type: object}", config="  tiny:sizes: {a: 1, b: 2}")
    deployment = deploy(project, "dev", world)
    deployment.update({"sizes.b": 3})
    assert deployment.outputs["sizes"] == {"a": 1, "b": 3}


def test_a_stack_has_its_own_region(write_project: Any) -> None:
    project = write_project("")
    assert stack_region(project, "dev") == "eu-central-1"
    with pytest.raises(DeployError, match=r"Pulumi\.prod\.yaml: is missing"):
        stack_region(project, "prod")
    (project / "Pulumi.dev.yaml").write_text("config: {}\n")
    with pytest.raises(DeployError, match="missing configuration value 'aws:region'"):
        stack_region(project, "dev")
