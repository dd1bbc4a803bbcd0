"""Tags: what all services refuse. (AWS General Reference, "Tag naming limits and requirements".)"""

import unicodedata
from collections.abc import Iterable
from urllib.parse import parse_qsl

from embedded_aws.refusals.base import Check, Parameters, refusal, refuse

KEY_LENGTH = 128
VALUE_LENGTH = 256
OBJECT_TAGS = 10
RESOURCE_TAGS = 50
_PUNCTUATION = frozenset("_.:/=+-@")


def tag_problem(key: str, value: str) -> str | None:
    """Return the problem of one tag: too long, reserved, or other characters than letters, digits, spaces, _.:/=+-@."""
    if not 1 <= len(key) <= KEY_LENGTH:
        return f"the key {key!r} has {len(key)} characters, 1 to {KEY_LENGTH} are allowed"
    if len(value) > VALUE_LENGTH:
        return f"the value of {key!r} has {len(value)} characters, {VALUE_LENGTH} are allowed"
    if key.lower().startswith("aws:"):
        return f"the key {key!r} is reserved"
    for text in (key, value):
        wrong = [character for character in text if not _allowed(character)]
        if wrong:
            return f"{text!r} holds {wrong[0]!r}: only letters, digits, spaces and _.:/=+-@ are allowed"
    return None


def _allowed(character: str) -> bool:
    return character in _PUNCTUATION or unicodedata.category(character)[0] in "LZN"


def _judge(tags: Iterable[tuple[str, str]], most: int, code: str) -> None:
    given = list(tags)
    if len({key for key, _ in given}) != len(given):
        raise refuse(code, "Cannot provide multiple Tags with the same key")
    if len(given) > most:
        raise refuse(
            "BadRequest" if most == OBJECT_TAGS else code, f"Object tags cannot be greater than {most}"
        )
    for key, value in given:
        problem = tag_problem(key, value)
        if problem:
            raise refuse(code, f"The tag you have provided is invalid: {problem}")


@refusal(
    "object tags in a header: at most 10, no emoji, keys 128, values 256 characters",
    "s3",
    "PutObject",
    "CopyObject",
    "CreateMultipartUpload",
)
def _header(parameters: Parameters) -> None:
    tagging = parameters.get("Tagging")
    if tagging:
        _judge(parse_qsl(tagging, keep_blank_values=True), OBJECT_TAGS, "InvalidTag")


@refusal("object tags: at most 10, no emoji, keys 128, values 256 characters", "s3", "PutObjectTagging")
def _object(parameters: Parameters) -> None:
    _judge(_pairs(parameters["Tagging"]["TagSet"]), OBJECT_TAGS, "InvalidTag")


@refusal("bucket tags: at most 50, no emoji, keys 128, values 256 characters", "s3", "PutBucketTagging")
def _bucket(parameters: Parameters) -> None:
    _judge(_pairs(parameters["Tagging"]["TagSet"]), RESOURCE_TAGS, "InvalidTag")


def _listed(code: str) -> Check:
    def check(parameters: Parameters) -> None:
        _judge(_pairs(parameters.get("Tags") or []), RESOURCE_TAGS, code)

    return check


def _mapped(code: str) -> Check:
    def check(parameters: Parameters) -> None:
        tags = parameters.get("Tags") or parameters.get("tags") or {}
        _judge(tags.items(), RESOURCE_TAGS, code)

    return check


def _pairs(tags: Iterable[Parameters]) -> list[tuple[str, str]]:
    return [(tag["Key"], tag["Value"]) for tag in tags]


_RULE = "resource tags: at most 50, no emoji, keys 128, values 256 characters"

_on_tables = refusal(_RULE, "dynamodb", "CreateTable", "TagResource")(_listed("ValidationException"))
_on_topics = refusal(_RULE, "sns", "CreateTopic", "TagResource")(_listed("InvalidParameter"))
_on_roles = refusal(_RULE, "iam", "CreateRole", "TagRole", "CreatePolicy", "TagPolicy")(
    _listed("InvalidInput")
)
_on_alarms = refusal(_RULE, "cloudwatch", "PutMetricAlarm", "TagResource")(_listed("ValidationError"))
_on_queues = refusal(_RULE, "sqs", "CreateQueue", "TagQueue")(_mapped("InvalidParameterValue"))
_on_functions = refusal(_RULE, "lambda", "CreateFunction", "TagResource")(
    _mapped("InvalidParameterValueException")
)
_on_log_groups = refusal(_RULE, "logs", "CreateLogGroup", "TagResource")(_mapped("InvalidParameterException"))
_on_apis = refusal(
    _RULE, "apigateway", "CreateRestApi", "CreateStage", "CreateApiKey", "CreateUsagePlan", "TagResource"
)(_mapped("BadRequestException"))
