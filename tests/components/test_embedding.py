"""A program of another project embeds the pipeline through the plugin's provider."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.errors import InputPropertiesError
from pydantic.alias_generators import to_camel

from components import config_schema
from components.config_model import StackKeys
from components.embedding import schema
from components.embedding.provider import MediaPipelineProvider
from components.outputs import OUTPUTS
from components.packaging import StackPackages
from components.stack_files import StackFiles
from tests.components.conftest import Run
from tests.components.recording import PROJECT, Recording, run_program

Embed = Callable[..., Recording]
SMALLEST: dict[str, Any] = {
    "video": {"enabled": False},
    "api": {"enabled": False},
    "reconcile": "off",
}


@pytest.fixture(scope="module")
def embed(zips: StackPackages) -> Embed:
    """Return what runs a program with pipelines: it takes their inputs, or what makes them, by name."""

    def embed_in_a_program(pipelines: Mapping[str, Any]) -> Recording:
        def program() -> None:
            provider = aws.Provider("own", region="eu-central-1")
            for name, given in pipelines.items():
                made = MediaPipelineProvider().construct(
                    name,
                    schema.TOKEN,
                    given() if callable(given) else given,
                    pulumi.ResourceOptions(providers={"aws": provider}),
                )
                assert isinstance(made.state, Mapping)
                for key, value in made.state.items():
                    pulumi.export(f"{name}.{key}", value)

        return run_program(StackFiles("shop", {"aws:region": "eu-central-1"}), program=program)

    return embed_in_a_program


@pytest.fixture(scope="module")
def photos(embed: Embed) -> Recording:
    return embed({"photos": {}})


@pytest.fixture(scope="module")
def both(embed: Embed) -> Recording:
    return embed({"photos": SMALLEST, "avatars": {**SMALLEST, "sizes": {"tiny": 64.0}}})


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    pipeline: dict[str, Any] = schema.package_schema("1.2.3")["resources"][schema.TOKEN]
    return pipeline


def refusals(embed: Embed, inputs: Mapping[str, Any], name: str = "photos") -> dict[str, str]:
    with pytest.raises(InputPropertiesError) as refused:
        embed({name: inputs})
    return {error["property_path"]: error["reason"] for error in refused.value.errors or []}


def test_every_key_of_the_configuration_is_an_input_with_its_meaning(described: dict[str, Any]) -> None:
    keys = {config_schema.spelling(name, field) for name, field in StackKeys.model_fields.items()}
    assert set(described["inputProperties"]) == {*keys, "region"}
    assert [name for name, spec in described["inputProperties"].items() if not spec["description"]] == []


def test_numbers_words_groups_and_choices_have_types(described: dict[str, Any]) -> None:
    types = schema.package_schema("1.2.3")["types"]
    cover = "#/types/media-pipeline:index:Cover"
    assert described["inputProperties"]["sizes"]["additionalProperties"]["oneOf"] == [
        {"type": "integer", "plain": True},
        {"$ref": cover, "plain": True},
    ]
    moderation = types["media-pipeline:index:Moderation"]
    assert moderation["required"] == ["mode"]
    assert moderation["properties"]["block"]["additionalProperties"]["type"] == "number"
    assert described["inputProperties"]["formats"]["items"]["type"] == "string"
    assert types["media-pipeline:index:Video"]["properties"]["enabled"]["type"] == "boolean"


def test_the_schema_has_every_type_that_it_refers_to() -> None:
    package = schema.package_schema("1.2.3")
    text = json.dumps(package)
    referred = {part.split('"')[0] for part in text.split("#/types/")[1:]}
    assert referred == set(package["types"])


def test_what_the_smallest_pipeline_has_is_required_and_the_key_is_secret(
    both: Recording, described: dict[str, Any]
) -> None:
    outputs = {name.removeprefix("photos.") for name in both.outputs if name.startswith("photos.")}
    assert set(described["required"]) == outputs
    assert set(described["properties"]) == {to_camel(name) for name in OUTPUTS}
    assert [name for name, spec in described["properties"].items() if spec.get("secret")] == ["apiKey"]


def test_a_pipeline_is_named_after_the_resource_and_the_stack(photos: Recording) -> None:
    pipeline = photos.one(schema.TOKEN)
    assert pipeline.name == "photos"
    assert {resource.name.startswith("photos-shop") for resource in photos.resources[2:]} == {True}
    function = photos.one("aws:lambda/function:Function", "process-image")
    assert function.inputs["environment"]["variables"]["POWERTOOLS_SERVICE_NAME"] == "photos-shop"


def test_it_has_the_resources_of_a_stack_of_its_own(photos: Recording, run: Run) -> None:
    def kinds(recording: Recording, prefix: str) -> list[tuple[str, str]]:
        return sorted(
            (resource.type, resource.name.removeprefix(prefix))
            for resource in recording.resources
            if resource.type not in ("pulumi:providers:aws", schema.TOKEN)
        )

    assert kinds(photos, "photos-shop") == kinds(run("dev"), "media-pipeline-dev")


def test_every_resource_is_made_by_the_embedding_programs_provider(photos: Recording) -> None:
    provider = photos.one("pulumi:providers:aws")
    assert provider.name == "own"
    for resource in photos.resources:
        if resource.custom and resource is not provider:
            assert resource.provider == f"{provider.urn}::own-id", resource.urn


def test_two_pipelines_of_one_program_share_no_name(both: Recording) -> None:
    names = [(resource.type, resource.name) for resource in both.resources]
    assert len(names) == len(set(names))
    assert len(both.of(schema.TOKEN)) == 2


def test_an_input_replaces_the_default_as_a_whole(both: Recording) -> None:
    def sizes(name: str) -> set[str]:
        function = both.one("aws:lambda/function:Function", f"{name}-shop-process-image")
        return set(json.loads(function.inputs["environment"]["variables"]["SIZES"]))

    assert sizes("photos") == {"large", "medium", "small", "thumbnail"}
    assert sizes("avatars") == {"tiny"}


def test_every_wrong_input_is_refused_with_its_path_and_what_is_allowed(embed: Embed) -> None:
    found = refusals(
        embed, {"sizes": {"tiny": 0}, "moderation": {"mode": "enforce", "blokc": {}}, "runtime": "perl"}
    )
    assert set(found) == {"sizes.tiny", "moderation.blokc", "moderation.block", "runtime"}
    assert "allowed: one of python3.13, python3.14" in found["runtime"]


def test_a_name_that_makes_roles_names_too_long_is_refused(embed: Embed) -> None:
    found = refusals(embed, {}, name="photographs-of-pets")
    assert "1 to 14 lower-case letters" in found["name"]


def test_a_value_that_a_preview_cannot_know_is_refused(embed: Embed) -> None:
    with pytest.raises(InputPropertiesError) as refused:
        embed({"photos": lambda: {"notify": {"alerts": [pulumi.Output.from_input("a@example.com")]}}})
    assert [error["property_path"] for error in refused.value.errors or []] == ["notify"]


def test_a_pipeline_between_two_regions_is_refused(embed: Embed) -> None:
    with pytest.raises(
        Exception, match=r"the provider works in eu-central-1 and .* configured for us-east-1"
    ):
        embed({"photos": {**SMALLEST, "region": "us-east-1"}})


def test_the_plugins_folder_is_one_that_pulumi_can_run() -> None:
    folder = PROJECT / "plugin"
    assert "name: python" in (folder / "PulumiPlugin.yaml").read_text("utf-8")
    (line,) = (folder / "requirements.txt").read_text("utf-8").split("\n", 1)[:1]
    assert Path(folder, line.removeprefix("-r ")).resolve() == PROJECT / "requirements.txt"
