"""`cost`: what was processed has cost, and what a month like it would cost."""

import argparse
import json
import time
from typing import TYPE_CHECKING

import boto3

from operations.ages import duration, iso
from operations.billed import READ
from operations.commands.arguments import add_stack
from operations.configuration import stack_configuration
from operations.cost import Costs, alarm_metrics, requests_counted
from operations.invalidations import invalidations_since
from operations.scanning import scan
from operations.stack import StackOutputs

ASKED_BEFORE = 3600.0
"""Seconds from the first request about an object to its outcome, in all but outages."""

if TYPE_CHECKING:
    from operations.commands.arguments import Commands


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    cost = commands.add_parser(
        "cost",
        help="say what was processed has cost, by service, rule and prefix, and what a month of it would cost",
        description="Add up what AWS bills for every recorded object, at the list prices of operations/prices.toml:"
        " requests, units and seconds, without transfer and without what is free. Reads the records, the metric"
        " that counts every request to Rekognition, and with a CDN how often it was asked to forget; changes nothing.",
    )
    add_stack(cost)
    cost.add_argument(
        "--since", type=duration, metavar="TIME", help="only outcomes of so long: 30d, 12h (default: all)"
    )
    cost.add_argument("--json", action="store_true", help="print one JSON object")


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    config = stack_configuration(options.stack)
    outputs = StackOutputs.find(options.stack, options.outputs)
    dynamodb = boto3.client("dynamodb", region_name=outputs.region)
    since = None if options.since is None else time.time() - options.since.total_seconds()
    records = scan(dynamodb, outputs.records_table, READ, since=None if since is None else iso(since))
    cloudwatch = boto3.client("cloudwatch", region_name=outputs.region)
    costs = Costs.of(records, config, alarm_metrics=alarm_metrics(cloudwatch, config.service))
    if (began := since if since is not None else costs.first) is not None:
        # Without a time, from the hour before the first outcome on: that is when it was judged.
        margin = 0 if since is not None else ASKED_BEFORE
        costs.count_requests(requests_counted(cloudwatch, config.service, since=began - margin))
    if distribution := outputs.named.get("cdn_distribution"):
        cloudfront = boto3.client("cloudfront", region_name=outputs.region)
        costs.count_invalidations(invalidations_since(cloudfront, distribution, since=since))
    if options.json:
        print(json.dumps(costs.document(since=since), indent=2))
    else:
        for line in costs.lines(since=since):
            print(line)
    return 0
