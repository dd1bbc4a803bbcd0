"""`review report`: how often the policy was right about what it sent to review."""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3

from media_pipeline.errors import TooFewDecisionsError
from operations.commands.arguments import add_stack, whole
from operations.errors import OperationsError
from operations.review_report import LEAST, PRECISION, report_of_days
from operations.stack import StackOutputs

DAYS = 90


def declare(what: "argparse._SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Declare the command below `review`, and return it."""
    report = what.add_parser(
        "report",
        help="say how often the policy was right, by label and confidence",
        description="Count what people decided about what the policy sent to review: how often they rejected it, by"
        " the label that sent it there and by its confidence, and from which confidence on a label could block"
        f" without a person. Reads all records that were decided about. Needs at least {LEAST} decisions.",
    )
    add_stack(report)
    report.add_argument(
        "--days", type=whole, default=DAYS, help=f"decisions of so many days (default: {DAYS})"
    )
    report.add_argument(
        "--precision",
        type=percent,
        default=PRECISION,
        metavar="PERCENT",
        help="suggest thresholds from which on so many percent are rejected by people"
        f" (default: {PRECISION * 100:.0f})",
    )
    return report


def percent(text: str) -> float:
    """Parse a number from 50 to 100 as a share."""
    value = float(text)
    if not 50 <= value <= 100:
        raise argparse.ArgumentTypeError("between 50 and 100 percent")
    return value / 100


def run_report(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    outputs = StackOutputs.find(options.stack, options.outputs)
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    try:
        document = report_of_days(
            dynamodb, outputs.records_table, options.days, precision=options.precision, clock=time.time
        )
    except TooFewDecisionsError as error:
        raise OperationsError(str(error)) from error
    if options.json:
        print(json.dumps(document, indent=2))
    else:
        for line in _lines(document):
            print(line)
    return 0


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"{document['decisions']:,} decisions since {document['since']}: {document['approved']:,} approved,"
        f" {document['rejected']:,} rejected."
    )
    if document["checks"]["decisions"]:
        yield f"Checks of what the policy allowed: {_share(document['checks'])}."
    if document["second_looks"]["count"]:
        yield f"Second looks: {_agreement(document['second_looks'])}."
    for label in document["labels"]:
        yield ""
        yield f"{label['label']}: {_share(label)}"
        if label["second_looks"]["count"]:
            yield f"  second looks: {_agreement(label['second_looks'])}"
        for band in label["bands"]:
            yield f"  {band['from']:>3} to {band['to']:>3} %  {_share(band)}"
        if (suggested := label["suggested"]) is not None:
            yield (
                f"  From {suggested['threshold']} % on: {_share(suggested)}. To block that without a person:"
                f" moderation.block.{label['label']}={suggested['threshold']}"
            )


def _agreement(looks: Mapping[str, Any]) -> str:
    kappa = looks["kappa"]
    words = f"{looks['agreed']:,} of {looks['count']:,} as the first one"
    return words if kappa is None else f"{words}, Cohen's kappa {kappa:.2f}"


def _share(counted: Mapping[str, Any]) -> str:
    counts = f"{counted['rejected']:,} of {counted['decisions']:,} rejected"
    if counted["precision"] is None:
        return f"{counts} (too few for a share)"
    low, high = counted["interval"]
    return f"{counts}, {counted['precision']:.0%} (95 % interval: {low:.0%} to {high:.0%})"
