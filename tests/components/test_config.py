"""A wrong configuration stops with one message that lists every problem and how to fix each."""

import re

import boto3
import pulumi
import pytest
import yaml
from pydantic import BaseModel

from components import bounds, config_schema, function_specs, taxonomy
from components.config_errors import ConfigError
from components.config_model import StackKeys
from components.stack_files import read_config
from tests.components.config_parsing import Raw, parse, problems, put
from tests.components.conftest import STACKS, Run
from tests.components.queries import FUNCTION
from tests.components.recording import PROJECT


def test_the_wrong_configuration_of_the_issue_is_told_in_one_message(raw: Raw) -> None:
    raw["memroy"] = {"image": 512}
    put(raw, "sizes.large", "big")
    put(raw, "memory.image", 64)
    raw["moderation"] = {"mode": "enforce", "block": {}, "review": {"Nudity": 60, "Violence": 101}}
    with pytest.raises(ConfigError) as caught:
        parse(raw, region="eu-north-1")
    message = str(caught.value)
    assert message.splitlines()[0] == "the configuration of stack dev has 7 problems; nothing was changed"
    for key, allowed, fix in (
        ("memroy", "did you mean memory?", "pulumi config rm --path memroy"),
        (
            "sizes.large",
            "a whole number of pixels from 1 to 16383",
            "pulumi config set --path sizes.large 1024",
        ),
        (
            "memory.image",
            "a whole number of MB from 360 to 10240: an upload may take half of it, and with less not even a megapixel",
            "pulumi config set --path memory.image 1769",
        ),
        (
            "moderation.review.Nudity",
            "Explicit Nudity, Non-Explicit Nudity",
            "moderation.review.Explicit Nudity",
        ),
        ("moderation.review.Violence", "0 to 100", "pulumi config set --path moderation.review.Violence 80"),
        ("moderation.block", "at least one label", "pulumi config set --path moderation.block.Explicit 60"),
        ("aws:region", "a region with Rekognition", "pulumi config set aws:region"),
    ):
        (reported,) = re.findall(rf"^  - {re.escape(key)}: .*\n.*\n.*$", message, re.MULTILINE)
        assert allowed in reported
        assert fix in reported


def test_a_wrong_configuration_registers_nothing_and_is_an_error_the_engine_shows_plainly(run: Run) -> None:
    with pytest.raises(pulumi.RunError, match=r"memory\.image: 64"):
        run("dev", {"memory": {"image": 64}})


@pytest.mark.parametrize("stack", STACKS)
def test_the_repositorys_own_stacks_are_right(stack: str) -> None:
    config = read_config(PROJECT, stack)
    assert config.stack == stack
    assert "thumbnail" in config.sizes
    assert config.service == f"media-pipeline-{stack}"


def test_prod_really_differs_from_dev() -> None:
    dev, prod = (read_config(PROJECT, stack).model_dump() for stack in STACKS)
    differing = {key for key in dev if dev[key] != prod[key]}
    assert {
        "sizes",
        "quality",
        "moderation",
        "memory",
        "timeout",
        "concurrency",
        "limits",
        "retention",
        "protect",
    } <= (differing)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sizes.large", "big"),
        ("sizes.large", 0),
        ("sizes.large", 16_384),
        ("sizes.large", 10.5),
        ("sizes.large", True),
        ("sizes.large", None),
        ("sizes.large", [1024]),
        ("sizes.Large", 1024),
        ("sizes.lar_ge", 1024),
        ("sizes", {}),
        ("sizes", [1024]),
        ("sizes", None),
        ("formats", []),
        ("formats", ["svg"]),
        ("formats", "jpeg"),
        ("formats", ["jpeg", "jpeg"]),
        ("quality.jpeg", 0),
        ("quality.jpeg", 101),
        ("quality.webp", "best"),
        ("grayscale", "maybe"),
        ("grayscale", 1),
        ("transparency", "blend"),
        ("transparency", True),
        ("background", "white"),
        ("background", "#fff"),
        ("background", "#12345g"),
        ("background", None),
        ("tracing", None),
        ("pointInTimeRecovery", "sometimes"),
        ("protect", "yes"),
        ("moderation.mode", "strict"),
        ("moderation.mode", False),
        ("moderation.recordFrom", 101),
        ("moderation.block.Weapons", 101),
        ("moderation.block.Weapons", -1),
        ("moderation.block.Weapons", True),
        ("moderation.block.Weapons", "NaN"),
        ("moderation.block.Suggestive", 60),
        ("moderation.exempt", ["Nudity"]),
        ("moderation.exempt", "Alcohol"),
        ("moderation.exempt", ["Alcohol", "alcohol"]),
        ("memory.image", 127),
        ("memory.image", 10_241),
        ("timeout.image", 0),
        ("timeout.image", 901),
        ("concurrency.image", 1),
        ("concurrency.image", 1001),
        ("architecture", "arm"),
        ("runtime", "python3.12"),
        ("limits.bytes", 0),
        ("limits.pixels", -1),
        ("limits.frames", 0),
        ("limits", 5),
        ("retention.originals", 13),
        ("retention.originals", 0),
        ("retention.logs", 31),
        ("retention.quarantine", -1),
        ("notify.alerts", "ops@example.com"),
    ],
)
def test_a_value_out_of_bounds_is_refused_under_its_key(raw: Raw, path: str, value: object) -> None:
    (key,) = problems(put(raw, path, value))
    assert key.startswith(path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sizes.large", 1),
        ("sizes.large", 16_383),
        ("sizes.large", "64"),
        ("sizes.a-1", 64.0),
        ("sizes.card", {"width": 400, "height": "300", "fit": "cover"}),
        ("formats", ["png", "avif"]),
        ("quality.jpeg", 100),
        ("grayscale", "true"),
        ("grayscale", "false"),
        ("transparency", "flatten"),
        ("transparency", "keep"),
        ("background", "#00fF7f"),
        ("protect", "True"),
        ("moderation.mode", "off"),
        ("moderation.recordFrom", 0),
        ("moderation.block.weapons", 0.5),
        ("moderation.block.Drugs & Tobacco", 100),
        ("memory.image", 360),
        ("memory.image", "10240"),
        ("timeout.image", 900),
        ("concurrency.image", 2),
        ("concurrency.image", 1000),
        ("architecture", "x86_64"),
        ("runtime", "python3.14"),
        ("retention.originals", 14),
        ("retention.logs", 0),
        ("retention.logs", "3653"),
        ("retention.quarantine", 0),
        ("notify.alerts", ["first.last+tag@mail.example.co.uk"]),
    ],
)
def test_a_value_within_bounds_is_taken(raw: Raw, path: str, value: object) -> None:
    if path == "moderation.block.weapons":
        del raw["moderation"]["block"]["Weapons"]
    parse(put(raw, path, value))


def test_values_arrive_typed(raw: Raw) -> None:
    put(raw, "memory.image", "2048")
    put(raw, "sizes.large", 64.0)
    put(raw, "sizes.card", {"width": 400, "height": 300, "fit": "cover"})
    raw["grayscale"] = "true"
    config = parse(raw)
    assert (config.memory.image, config.sizes["large"], config.grayscale) == (2048, 64, True)
    assert type(config.sizes["large"]) is int
    card = config.sizes["card"]
    assert isinstance(card, BaseModel)
    assert card.model_dump() == {"width": 400, "height": 300, "fit": "cover"}


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("memroy", "memory"),
        ("size", "sizes"),
        ("greyscale", "grayscale"),
        ("transparancy", "transparency"),
        ("moderation.recordfrom", "recordFrom"),
        ("moderation.blocks", "block"),
        ("limits.pixel", "pixels"),
        ("retention.original", "originals"),
        ("notify.alert", "alerts"),
        ("quality.jpg", "jpeg"),
        ("sizes.card.heigth", "height"),
    ],
)
def test_an_unknown_key_is_refused_at_every_level_with_the_nearest_known_one(
    raw: Raw, path: str, meant: str
) -> None:
    if path.startswith("sizes"):
        put(raw, "sizes.card", {"width": 400, "height": 300, "fit": "cover"})
    found = problems(put(raw, path, 5))
    assert found[path].given == "is not a known key"
    assert found[path].allowed == f"did you mean {meant}?"
    assert found[path].fix.startswith(f"pulumi config rm --path {path}")


@pytest.mark.parametrize(
    "key",
    [
        "sizes",
        "formats",
        "memory.image",
        "limits.frames",
        "retention",
        "notify.alerts",
        "moderation.mode",
        "video",
        "api",
        "video.enabled",
        "api.enabled",
    ],
)
def test_a_missing_key_is_told_with_a_command_that_sets_it(raw: Raw, key: str) -> None:
    *groups, last = key.split(".")
    target = raw[groups[0]] if groups else raw
    del target[last]
    problem = problems(raw)[key]
    assert problem.given == "is missing"
    assert problem.fix.startswith("pulumi config set --path ")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ops",
        "ops@",
        "@example.com",
        "a b@example.com",
        "a@b@example.com",
        "ops@example",
        "ops@example.com\n",
        "ä, <x@example.com>",
        "jürgen@example.com",
        '"quoted"@example.com',
        "two..dots@example.com",
        ".dot@example.com",
        f"{'a' * 65}@example.com",
        5,
    ],
)
def test_an_implausible_address_is_refused(raw: Raw, address: object) -> None:
    assert "notify.alerts[0]" in problems(put(raw, "notify.alerts", [address]))


def test_an_address_given_twice_is_refused_whatever_its_case(raw: Raw) -> None:
    problem = problems(put(raw, "notify.alerts", ["ops@example.com", "Ops@Example.com"]))["notify.alerts[1]"]
    assert problem.fix == "pulumi config rm --path 'notify.alerts[1]'"


@pytest.mark.parametrize("group", ["block", "review"])
def test_a_label_named_twice_in_different_case_is_refused(raw: Raw, group: str) -> None:
    put(raw, f"moderation.{group}", {"Weapons": 90, "weapons": 50})
    assert f"moderation.{group}.weapons" in problems(raw)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Nudity", "Explicit Nudity"),
        ("Suggestive", "Non-Explicit Nudity of Intimate parts and Kissing"),
        ("Drugs", "Drugs & Tobacco"),
        ("Wepons", "Weapons"),
        ("hate symbol", "Hate Symbols"),
        ("Kissing", "Kissing on the Lips"),
        ("Alcohol Usage", "Alcohol Use"),
    ],
)
def test_an_unknown_label_is_told_with_the_nearest_known_ones(raw: Raw, name: str, expected: str) -> None:
    problem = problems(put(raw, f"moderation.review.{name}", 60))[f"moderation.review.{name}"]
    assert expected in problem.allowed


def test_former_names_lead_to_labels_that_exist() -> None:
    for name, successors in taxonomy.FORMER_NAMES.items():
        assert name not in taxonomy.names()
        assert {successor.casefold() for successor in successors} <= set(taxonomy.names())


def test_enforce_without_a_block_rule_is_refused_and_observe_without_one_is_not(raw: Raw) -> None:
    policies: list[Raw] = [{"mode": "enforce"}, {"mode": "enforce", "block": {}}]
    for policy in policies:
        raw["moderation"] = policy
        assert problems(raw)["moderation.block"].given == "has no rule, and the mode is enforce"
    raw["moderation"] = {"mode": "observe"}
    assert parse(raw).moderation.block == {}


def test_every_lossy_format_needs_its_quality(raw: Raw) -> None:
    raw["formats"], raw["quality"] = ["jpeg", "webp", "avif", "png"], {"jpeg": 80}
    assert set(problems(raw)) == {"quality.webp", "quality.avif"}


def test_png_has_no_quality(raw: Raw) -> None:
    assert "quality.png" in problems(put(raw, "quality.png", 80))


@pytest.mark.parametrize("region", [None, "eu-north-1", "eu-central1", "", "cn-north-1"])
def test_a_region_without_rekognition_is_refused(raw: Raw, region: str | None) -> None:
    problem = problems(raw, region)["aws:region"]
    assert problem.fix.split()[-1] in bounds.REKOGNITION_REGIONS


def test_the_regions_are_those_that_the_pinned_sdk_knows() -> None:
    session = boto3.Session()
    known = {
        region
        for partition in ("aws", "aws-us-gov", "aws-cn")
        for region in session.get_available_regions("rekognition", partition)
    }
    assert set(bounds.REKOGNITION_REGIONS) == known


@pytest.mark.parametrize("stack", ["Dev", "my_stack", "1st", "a" * 20, ""])
def test_a_stack_name_that_cannot_name_resources_is_refused(raw: Raw, stack: str) -> None:
    assert "stack" in problems(raw, stack=stack)


def test_an_environment_over_four_kilobytes_is_refused_before_anything_is_registered(raw: Raw) -> None:
    raw["sizes"] = {f"size-number-{number:03}": 100 + number for number in range(170)}
    problem = problems(raw)["sizes"]
    assert "4096" in problem.allowed
    raw["sizes"] = {f"s{number:03}": 100 + number for number in range(100)}
    parse(raw)


def test_the_environment_is_never_larger_than_measured_beforehand(run: Run) -> None:
    for stack in STACKS:
        recorded, config = run(stack), read_config(PROJECT, stack)
        for spec in function_specs.deployed(config):
            variables = recorded.one(FUNCTION, f"-{spec.name}").inputs["environment"]["variables"]
            assert function_specs.environment_bytes(variables) <= spec.most_environment_bytes(config)


def test_every_key_has_words_and_an_example_that_is_itself_allowed() -> None:
    def walk(model: type[BaseModel], path: tuple[str, ...]) -> None:
        for name, field in model.model_fields.items():
            here = (*path, field.alias or name)
            about = config_schema.about(StackKeys, here, name=False)
            assert about.allowed
            assert about.example is not None
            inner = config_schema.unwrap(field.annotation)[0]
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                walk(inner, here)

    walk(StackKeys, ())


def test_the_schema_declares_exactly_the_keys_that_the_program_judges() -> None:
    document = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text("utf-8"))
    assert document["name"] == "media-pipeline"
    assert document["requiredPulumiVersion"] == ">=3.187.0"
    fields = {field.alias: field for field in StackKeys.model_fields.values()}
    assert set(document["config"]) == set(fields)
    for key, declared in document["config"].items():
        assert set(declared) <= {"type", "items", "default", "description"}, key
        if declared["type"] == "object":
            # A stack's object replaces the default's members, so an object that may be left out is empty by default.
            assert declared.get("default") == (None if fields[key].is_required() else {}), key
        else:
            assert "default" in declared, key
