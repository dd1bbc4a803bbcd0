"""Explain what pydantic refused, and check what only holds between keys."""

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components import (
    bounds,
    delivery_checks,
    environment,
    function_specs,
    policy_checks,
    taxonomy,
    webhook_checks,
)
from components.config_errors import Path, Problem, key_path, likely, remove_command, set_command, show
from components.config_model import COVER_TAG, EDGE_TAG, StackConfig
from components.config_schema import NEEDED, about, known_keys
from components.formats import DEFAULT_QUALITIES
from components.repeated_entries import as_object, label_twice, twice
from components.rules import About, KeyArn, ModerationLabel, ReviewedLabel, Rule

_LARGE: Mapping[Path, str] = {
    ("sizes",): "SIZES",
    ("moderation",): "MODERATION",
    ("api", "corsOrigins"): "CORS_ORIGINS",
}  # the keys whose length nothing bounds, and the environment variables that carry them


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """Yield the problems behind a ValidationError, in the order of the keys."""
    for details in error.errors(include_url=False):
        if details["type"] == "too_short" and details["input"]:
            continue  # pydantic counts valid items only; each invalid one has a problem of its own
        yield _explain(details, model)


def check_stack(stack: str, region: str | None, pipeline: str) -> Iterator[Problem]:
    """Check the names that every resource's name begins with, and that the region has Rekognition."""
    if not environment.PIPELINE_NAME.fullmatch(pipeline):
        yield Problem(
            key="name",
            given=show(pipeline),
            allowed=f"1 to {bounds.PIPELINE_NAME_LENGTH} lower-case letters, digits and dashes, "
            "starting with a letter",
            fix="give the resource another name",
        )
    allowed = f"1 to {bounds.STACK_NAME_LENGTH} lower-case letters, digits and dashes, starting with a letter"
    if not environment.STACK_NAME.fullmatch(stack):
        yield Problem(key="stack", given=show(stack), allowed=allowed, fix="pulumi stack rename dev")
    if region not in bounds.REKOGNITION_REGIONS:
        near = likely(region or "", bounds.REKOGNITION_REGIONS) or "eu-central-1"
        yield Problem(
            key="aws:region",
            given="is missing" if region is None else show(region),
            allowed=f"a region with Rekognition: {', '.join(bounds.REKOGNITION_REGIONS)}",
            fix=f"pulumi config set aws:region {near}",
        )


def check_key(raw: Mapping[str, object], region: str | None) -> Iterator[Problem]:
    """Check that the KMS keys are in the stack's region: no service uses one of another region."""
    encryption = as_object(raw.get("encryption"))
    named: list[tuple[Path, object]] = [(("encryption", "keyArn"), encryption.get("keyArn"))]
    earlier = encryption.get("earlierKeyArns")
    for index, arn in enumerate(earlier if isinstance(earlier, list) else ()):
        named.append((("encryption", "earlierKeyArns", index), arn))
    for path, arn in named:
        if isinstance(arn, str) and KeyArn().pattern.fullmatch(arn) and KeyArn.region(arn) != region:
            yield Problem(
                key=key_path(path),
                given=f"is a key of {KeyArn.region(arn)}",
                allowed=f"a key of the stack's region, {region}",
                fix=set_command(path, KeyArn.EXAMPLE.replace("eu-central-1", str(region))),
            )
    yield from twice(("encryption", "earlierKeyArns"), earlier)


def check_together(raw: Mapping[str, object], model: type[BaseModel]) -> Iterator[Problem]:
    """Check what no single key shows, such as a policy that blocks nothing, or a missing quality."""
    yield from policy_checks.check(raw.get("moderation"))
    approvals = ("review", "approvals")
    yield from label_twice(approvals, as_object(as_object(raw.get("review")).get("approvals")))
    yield from _short_retention(as_object(raw.get("retention")))
    formats, quality = raw.get("formats"), as_object(raw.get("quality"))
    for name in formats if isinstance(formats, list) and "quality" in raw else ():
        if name in DEFAULT_QUALITIES and quality.get(name) is None:
            yield Problem(
                key=f"quality.{name}",
                given="is missing",
                allowed=f"a whole number from 1 to 100, since formats has {name}",
                fix=set_command(("quality", name), DEFAULT_QUALITIES[name]),
            )
    yield from twice(("formats",), formats)
    for who in ("alerts", "results"):
        yield from twice(("notify", who), as_object(raw.get("notify")).get(who))
    yield from webhook_checks.check(as_object(raw.get("notify")).get("webhooks"))
    yield from _budget(as_object(raw.get("notify")))
    yield from _origins(as_object(raw.get("api")).get("corsOrigins"))
    yield from _appeals_without_originals(raw)
    yield from delivery_checks.check_domain(raw.get("delivery"), model)
    yield from _needed(raw, model)


def check_environment(config: StackConfig) -> Iterator[Problem]:
    """Check that each function's environment fits into what Lambda accepts (4 KB, Lambda quotas)."""
    for spec in function_specs.deployed(config):
        most = spec.most_environment_bytes(config)
        if most <= bounds.LAMBDA_ENVIRONMENT_BYTES:
            continue
        settings = spec.variables(config)
        group = max(_LARGE, key=lambda path: len(settings.get(_LARGE[path], "")))
        yield Problem(
            key=key_path(group),
            given=f"makes the environment of {spec.name} up to {most} bytes long",
            allowed=f"at most {bounds.LAMBDA_ENVIRONMENT_BYTES} bytes for all environment variables of a function",
            fix=f"fewer or shorter entries, for example {remove_command((*group, '...'))}",
        )


def _short_retention(retention: Mapping[str, object]) -> Iterator[Problem]:
    """Check that records outlive the messages and the original that are about them."""
    records, originals = retention.get("records"), retention.get("originals")
    if not isinstance(records, int) or not isinstance(originals, int):
        return  # what is wrong with these is reported by itself
    least = max(bounds.LATE_MESSAGE_DAYS, originals)
    if 0 < records < least:
        yield Problem(
            key="retention.records",
            given=f"is {records}",
            allowed=f"0 (kept), or at least {least} days: as long as a message or an original can be left",
            fix=set_command(("retention", "records"), least),
        )


def _appeals_without_originals(raw: Mapping[str, object]) -> Iterator[Problem]:
    """Check that what is appealed is still there to be published."""
    appeal_days = as_object(raw.get("review")).get("appealDays")
    quarantine = as_object(raw.get("retention")).get("quarantine")
    if not isinstance(appeal_days, int) or not isinstance(quarantine, int):
        return  # what is wrong with these is reported by itself
    if 0 < quarantine < appeal_days:
        yield Problem(
            key="review.appealDays",
            given=f"is {appeal_days}, and originals stay in quarantine for {quarantine} days",
            allowed="at most retention.quarantine: what has expired there cannot be published any more",
            fix=set_command(("retention", "quarantine"), appeal_days),
        )


def _needed(raw: Mapping[str, object], model: type[BaseModel]) -> Iterator[Problem]:
    for part, paths in NEEDED.items():
        if str(as_object(raw.get(part)).get("enabled")).lower() != "true":
            continue
        for group, name in paths:
            given = raw.get(str(group))  # a group of another type is reported as a whole
            if isinstance(given, Mapping) and given.get(str(name)) is None:
                words = about(model, (group, name), name=False)
                yield Problem(
                    key=key_path((group, name)),
                    given=f"is missing, and {part}.enabled is true",
                    allowed=words.allowed,
                    fix=set_command((group, name), words.example),
                )


def _budget(notify: Mapping[str, object]) -> Iterator[Problem]:
    """Check that a budget tells somebody, and no more than AWS takes."""
    dollars, alerts = notify.get("monthlyDollars"), notify.get("alerts")
    if not isinstance(dollars, int) or dollars <= 0 or not isinstance(alerts, list):
        return  # none, or what is wrong with them is reported by itself
    if not 1 <= len(alerts) <= bounds.BUDGET_ADDRESSES:
        yield Problem(
            key="notify.monthlyDollars",
            given=f"is {dollars}, and notify.alerts has {len(alerts)} addresses",
            allowed=f"a budget whose e-mails go to the 1 to {bounds.BUDGET_ADDRESSES} addresses of notify.alerts",
            fix=set_command(("notify", "alerts"), ["you@example.com"])
            if not alerts
            else remove_command(("notify", "alerts", bounds.BUDGET_ADDRESSES)),
        )


def _origins(origins: object) -> Iterator[Problem]:
    yield from twice(("api", "corsOrigins"), origins)
    if isinstance(origins, list) and "*" in origins and len(origins) > 1:
        path = ("api", "corsOrigins", origins.index("*"))
        yield Problem(
            key=key_path(path),
            given='"*" is listed together with other origins',
            allowed="either * alone, which allows any origin, or a list of origins",
            fix=remove_command(path),
        )


def _explain(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    is_name = details["loc"][-1:] == ("[key]",)
    path = tuple(step for step in details["loc"] if step not in (EDGE_TAG, COVER_TAG, "[key]"))
    given = details["input"]
    if details["type"] == "extra_forbidden":
        return _unknown_key(path, given, model)
    words = about(model, path, name=is_name)
    if is_name:
        return _wrong_name(path, words)
    fix = set_command(path, words.example)
    if details["type"] != "missing" and isinstance(words.example, dict | list) and given not in ({}, []):
        fix = f"{remove_command(path)} && {fix}"  # `config set --path` cannot set a key inside a value of another type
    return Problem(
        key=key_path(path),
        given="is missing" if details["type"] == "missing" else show(given),
        allowed=words.allowed,
        fix=fix,
    )


def _unknown_key(path: Path, given: object, model: type[BaseModel]) -> Problem:
    group, name = path[:-1], str(path[-1])
    known = known_keys(model, group)
    near = likely(name, known)
    fix = remove_command(path)
    if near:
        fix += f" && {set_command((*group, near), given)}" if given not in ({}, []) else ""
    return Problem(
        key=key_path(path),
        given="is not a known key",
        allowed=f"did you mean {near}?" if near else f"one of {', '.join(known)}",
        fix=fix,
    )


def _wrong_name(path: Path, rule: "About | Rule") -> Problem:
    """Report a size or label whose name is wrong; the command moves its value to the nearest valid name."""
    name = str(path[-1])
    if isinstance(rule, ModerationLabel):
        near = taxonomy.nearest(name)
        allowed = f"{rule.allowed}; nearest known: {', '.join(near)}"
        better, example = near[0], 80
    elif isinstance(rule, ReviewedLabel):
        allowed, better, example = rule.allowed, rule.nearest(name), bounds.APPROVALS[0] + 1
    else:
        allowed = rule.allowed
        better, example = str(rule.example), 1024
    fix = f"{remove_command(path)} && {set_command((*path[:-1], better), example)}"
    return Problem(key=key_path(path), given=f"{show(name)} is not a valid name", allowed=allowed, fix=fix)
