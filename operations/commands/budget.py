"""`budget`: how many pictures were judged on the last days, and a larger budget for today."""

import argparse
from typing import TYPE_CHECKING

import boto3

from operations.budget import Budgets, Judged
from operations.commands.arguments import add_stack
from operations.configuration import stack_configuration
from operations.errors import OperationsError
from operations.prices import Prices
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

DAYS = 7


def add(commands: "Commands") -> None:
    """Declare the command and its arguments."""
    budget = commands.add_parser(
        "budget",
        help="say how many pictures were judged on the last days, or allow more today",
        description="Say how many pictures Rekognition was asked about on the last days (UTC), of how many that"
        " `limits.judgedPerDay` allows. With --today, give today another budget; tomorrow has its usual one again.",
    )
    add_stack(budget)
    budget.add_argument(
        "--today",
        type=_pictures,
        metavar="N",
        help="allow N pictures today; 0 stops judging until the day turns",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    per_day = stack_configuration(options.stack).limits.judged_per_day
    if not per_day:
        raise OperationsError(
            "the stack has no budget, so nothing is counted: "
            "`pulumi config set --path limits.judgedPerDay 10000`, then `pulumi up`"
        )
    outputs = StackOutputs.find(options.stack, options.outputs)
    budgets = Budgets(boto3.client("dynamodb", region_name=outputs.region), outputs.records_table, per_day)
    if options.today is not None:
        print(_line(budgets.allow_today(options.today)))
        print(
            "What waits returns when the day turns. To have it judged now, send what has waited for an hour again: "
            f"python -m operations redrive --stack {options.stack} --status PROCESSING"
        )
        return 0
    for judged in budgets.days(DAYS):
        print(_line(judged))
    return 0


def _line(judged: Judged) -> str:
    dollars = Prices.read().cost({"rekognition_request": judged.pictures})
    spent = ": spent" if judged.is_spent else ""
    return f"{judged.day}  {judged.pictures:,} of {judged.allowed:,} pictures, {dollars:,.2f} USD{spent}"


def _pictures(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is not a number of pictures from 0 on")
    return number
