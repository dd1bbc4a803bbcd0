"""`what-if`: what another policy would change, before `pulumi up`."""

import argparse
import json
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from media_pipeline.moderation.policy import Policy
from operations.ages import duration, iso
from operations.commands.arguments import FAILED, add_stack
from operations.deciding_again import Outcome
from operations.policies import read_policy
from operations.prices import Prices
from operations.stack import StackOutputs
from operations.what_if import Changed, Comparison, WhatIf

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

PROJECT = Path(__file__).parents[2]


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    what_if = commands.add_parser(
        "what-if",
        help="say what another moderation policy would change about what was judged so far",
        description="Decide every recorded outcome again by another policy, from the answers that Rekognition gave."
        " Each is the same, or would change, or is unknown, where its record does not hold all that a new upload would"
        " be judged by. Reads the records; changes nothing, and asks Rekognition nothing.",
    )
    add_stack(what_if)
    what_if.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="settings",
        help="a key of moderation, as for `pulumi config set --path`: moderation.block.Violence=70; may be repeated",
    )
    what_if.add_argument(
        "--remove",
        action="append",
        default=[],
        metavar="KEY",
        help="a key of moderation to leave out: moderation.review.Violence; may be repeated",
    )
    what_if.add_argument(
        "--policy", type=Path, metavar="FILE", help="YAML file of the policy (default: the stack's own file)"
    )
    what_if.add_argument(
        "--since", type=duration, metavar="TIME", help="only outcomes of so long: 30d, 12h (default: all)"
    )
    what_if.add_argument("--json", action="store_true", help="print one JSON object")
    what_if.add_argument(
        "--fail-if-published-would-block",
        type=int,
        metavar="N",
        help="exit with 1 if more than N of the published outcomes would be blocked",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    policy = read_policy(
        PROJECT, options.stack, file=options.policy, settings=options.settings, removed=options.remove
    )
    outputs = StackOutputs.find(options.stack, options.outputs)
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    since = None if options.since is None else iso(time.time() - options.since.total_seconds())
    comparison = WhatIf(dynamodb=dynamodb, table=outputs.records_table, policy=policy).compare(since=since)
    if options.json:
        print(json.dumps(_document(comparison, policy), indent=2))
    else:
        for line in _lines(comparison):
            print(line)
    most = options.fail_if_published_would_block
    would_block = comparison.changed(Outcome.PUBLISHED, Outcome.BLOCKED)
    return FAILED if most is not None and would_block > most else 0


def _document(comparison: Comparison, policy: Policy) -> dict[str, Any]:
    paths = {prefix: of_prefix.version for prefix, of_prefix in policy.paths.items()}
    return {
        "policy_version": policy.version,
        **({"paths": paths} if paths else {}),
        "outcomes": comparison.outcomes,
        "other_records": comparison.others,
        "same": {str(outcome): count for outcome, count in sorted(comparison.same.items())},
        "changes": [
            {
                "before": change.before,
                "after": change.after,
                "label": change.label,
                "count": changed.count,
                "decisions": dict(changed.decided),
                "examples": changed.examples,
            }
            for change, changed in sorted(comparison.changes.items(), key=lambda pair: -pair[1].count)
        ],
        "unknown": {unknown.name.lower(): count for unknown, count in comparison.unknown.most_common()},
        "requests_to_know_the_unknown": comparison.requests,
        "published_would_block": comparison.changed(Outcome.PUBLISHED, Outcome.BLOCKED),
    }


def _lines(comparison: Comparison) -> Iterator[str]:
    yield f"{comparison.outcomes:,} outcomes; {comparison.others:,} other records have none to decide again."
    same = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(comparison.same.items()))
    yield f"{comparison.same.total():>9,}  same{f': {same}' if same else ''}"
    for before, after in product(Outcome, Outcome):
        if count := comparison.changed(before, after):
            yield f"{count:>9,}  {before} would be {after}{_people(comparison.people(before, after))}"
            yield from _by_label(comparison, before, after)
    yield f"{comparison.unknown.total():>9,}  unknown"
    for unknown, count in comparison.unknown.most_common():
        yield f"{count:>13,}  {unknown.value}"
    if comparison.requests:
        prices = Prices.read()
        dollars = prices.cost({"rekognition_request": comparison.requests})
        yield (
            f"To know the unknown ones takes {comparison.requests:,} requests to Rekognition: {dollars:,.2f} USD at"
            f" the list prices of {prices.date} in {prices.region}."
        )


def _people(decided: dict[str, int]) -> str:
    words = ", ".join(f"{count:,} {action}" for action, count in sorted(decided.items()))
    return f" (people's decisions about them: {words})" if words else ""


def _by_label(comparison: Comparison, before: Outcome, after: Outcome) -> Iterator[str]:
    found: list[tuple[str, Changed]] = [
        (change.label, changed)
        for change, changed in comparison.changes.items()
        if (change.before, change.after) == (before, after)
    ]
    for label, changed in sorted(found, key=lambda pair: (-pair[1].count, pair[0])):
        examples = ", ".join(map(repr, changed.examples))
        yield f"{changed.count:>13,}  {label or 'no single label'}: {examples}"
