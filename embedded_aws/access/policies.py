"""IAM's evaluation of policy documents: actions, resources, principals and conditions.

After the IAM User Guide, "Policy evaluation logic" and "Condition operators". An operator that is not known here
is an error, never a guess.
"""

import enum
import fnmatch
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, str | tuple[str, ...]]
"""Values of context keys; a tuple for a key that has several, such as the partitions that a batch is about."""

_FIXING_KEYS = frozenset(
    {
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourcearn",
        "aws:sourceaccount",
        "aws:sourceip",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
    }
)


class PolicyError(ValueError):
    """A policy that cannot be judged: an unknown condition operator or no document at all."""


class Verdict(enum.Enum):
    """What one or more documents say of a request."""

    ALLOW = "allow"
    DENY = "deny"
    SILENT = "silent"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks: `AWS` (an ARN) or `Service` (a name such as s3.amazonaws.com)."""

    kind: str
    value: str
    account: str = ""


@dataclass(frozen=True, kw_only=True)
class AccessRequest:
    """One action on one resource, with the context keys that conditions may ask for."""

    action: str
    resource: str
    principal: Principal
    context: Context = field(default_factory=dict)


def statements(document: str | bytes | Document) -> list[Document]:
    """Return the statements of a document given as text or parsed; raises PolicyError where it has none."""
    parsed = json.loads(document) if isinstance(document, (str, bytes)) else document
    if not isinstance(parsed, Mapping) or "Statement" not in parsed:
        raise PolicyError(f"no policy document: {document!r}")
    found = parsed["Statement"]
    return list(found) if isinstance(found, list) else [found]


def evaluate(documents: Iterable[str | bytes | Document], request: AccessRequest) -> Verdict:
    """Return DENY for an explicit deny anywhere, else ALLOW for an allow anywhere, else SILENT."""
    verdict = Verdict.SILENT
    for document in documents:
        for statement in statements(document):
            if not applies(statement, request):
                continue
            if statement.get("Effect") == "Deny":
                return Verdict.DENY
            verdict = Verdict.ALLOW
    return verdict


def applies(statement: Document, request: AccessRequest) -> bool:
    """Return whether a statement is about this request: action, resource, principal, conditions."""
    return (
        _action_matches(statement, request.action)
        and _resource_matches(statement, request.resource)
        and _principal_matches(statement, request.principal)
        and _conditions_hold(statement.get("Condition", {}), request.context)
    )


def as_list(value: Any) -> list[Any]:
    """Return IAM's "one or many" as a list: a list as it is, anything else as its only entry."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def trusts_lambda(trust_policy: str | bytes | Document) -> bool:
    """Return whether a role's trust policy lets Lambda assume the role."""
    return trusts_service(trust_policy, "lambda.amazonaws.com", {})


def trusts_service(trust_policy: str | bytes | Document, service: str, context: Mapping[str, Any]) -> bool:
    """Return whether a role's trust policy lets an AWS service assume the role, with these condition keys."""
    request = AccessRequest(
        action="sts:AssumeRole",
        resource="*",
        principal=Principal(kind="Service", value=service),
        context=context,
    )
    return evaluate([trust_policy], request) is Verdict.ALLOW


def is_public(policy: str | bytes | Document) -> bool:
    """Return whether a bucket policy grants anything to everybody, as S3 understands it.

    S3 User Guide, "The meaning of 'public'": a condition on one of `_FIXING_KEYS` with fixed values makes it private.
    """
    return any(
        statement.get("Effect") == "Allow"
        and _named(statement.get("Principal", {}), Principal(kind="AWS", value=""))
        and not any(_fixes_the_caller(condition) for condition in statement.get("Condition", {}).values())
        for statement in statements(policy)
    )


def _fixes_the_caller(condition: Mapping[str, Any]) -> bool:
    return any(
        key.lower() in _FIXING_KEYS and not any("*" in str(value) for value in as_list(values))
        for key, values in condition.items()
    )


@cache
def _pattern(text: str, flags: int) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(text.replace("[", "[[]")), flags)


def matches(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """Return whether a value matches a pattern with IAM's wildcards: `*` for any characters, `?` for one."""
    return _pattern(pattern, re.IGNORECASE if ignore_case else 0).match(value) is not None


def _action_matches(statement: Document, action: str) -> bool:
    if "NotAction" in statement:
        return not any(matches(entry, action, ignore_case=True) for entry in as_list(statement["NotAction"]))
    return any(matches(entry, action, ignore_case=True) for entry in as_list(statement.get("Action", [])))


def _resource_matches(statement: Document, resource: str) -> bool:
    if "NotResource" in statement:
        return not any(matches(entry, resource) for entry in as_list(statement["NotResource"]))
    if "Resource" not in statement:  # trust policies have none
        return True
    return any(matches(entry, resource) for entry in as_list(statement["Resource"]))


def _principal_matches(statement: Document, principal: Principal) -> bool:
    if "NotPrincipal" in statement:
        return not _named(statement["NotPrincipal"], principal)
    if "Principal" not in statement:  # identity policies have none
        return True
    return _named(statement["Principal"], principal)


def _named(named: Any, principal: Principal) -> bool:
    if named == "*":
        return True
    entries = as_list(named.get(principal.kind, []))
    whole_account = (principal.account, f"arn:aws:iam::{principal.account}:root")
    return any(
        entry in ("*", principal.value) or (principal.kind == "AWS" and entry in whole_account)
        for entry in entries
    )


def _conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, as_list(wanted), known.get(key.lower()))
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
    )


def _holds(operator: str, wanted: list[Any], actual: str | tuple[str, ...] | None) -> bool:
    quantifier, _, bare = operator.rpartition(":")
    name = bare.removesuffix("IfExists")
    if name == "Null":
        return (actual is None) == (str(wanted[0]).lower() == "true")
    if name not in _OPERATORS:
        raise PolicyError(f"the condition operator {operator} is not known to the embedded AWS")
    test, negated = _OPERATORS[name]
    if actual is None:
        return negated or bare.endswith("IfExists") or quantifier == "ForAllValues"
    values = (actual,) if isinstance(actual, str) else actual
    held = [any(test(str(entry), value) for entry in wanted) is not negated for value in values]
    return all(held) if quantifier == "ForAllValues" else any(held)


def _number(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool]:
    return lambda wanted, actual: compare(float(actual), float(wanted))


_Test = Callable[[str, str], bool]
_OPERATORS: dict[str, tuple[_Test, bool]] = {
    "StringEquals": (lambda wanted, actual: wanted == actual, False),
    "StringNotEquals": (lambda wanted, actual: wanted == actual, True),
    "StringEqualsIgnoreCase": (lambda wanted, actual: wanted.lower() == actual.lower(), False),
    "StringNotEqualsIgnoreCase": (lambda wanted, actual: wanted.lower() == actual.lower(), True),
    "StringLike": (matches, False),
    "StringNotLike": (matches, True),
    "ArnEquals": (matches, False),  # IAM: ArnEquals and ArnLike behave identically
    "ArnLike": (matches, False),
    "ArnNotEquals": (matches, True),
    "ArnNotLike": (matches, True),
    "Bool": (lambda wanted, actual: wanted.lower() == actual.lower(), False),
    "NumericEquals": (_number(lambda actual, wanted: actual == wanted), False),
    "NumericNotEquals": (_number(lambda actual, wanted: actual == wanted), True),
    "NumericLessThan": (_number(lambda actual, wanted: actual < wanted), False),
    "NumericLessThanEquals": (_number(lambda actual, wanted: actual <= wanted), False),
    "NumericGreaterThan": (_number(lambda actual, wanted: actual > wanted), False),
    "NumericGreaterThanEquals": (_number(lambda actual, wanted: actual >= wanted), False),
}
