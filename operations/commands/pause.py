"""`pause` and `resume`: stop processing uploads, which wait meanwhile, and go on."""

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from operations.commands.arguments import add_stack, add_wait
from operations.intake import Intake
from operations.stack import StackOutputs

if TYPE_CHECKING:
    from operations.commands.arguments import Commands

WAIT_SECONDS = 180


@dataclass(frozen=True)
class Switch:
    """One of the two commands: whether the workers take uploads after it, and its words."""

    name: str
    takes: bool
    help: str
    done: str

    def add(self, commands: "Commands") -> None:
        """Declare the command and its arguments."""
        switch = commands.add_parser(
            self.name,
            help=self.help,
            description="Stop process-image and process-video from taking uploads out of their queues, or let them go"
            " on. Uploads are accepted all the time, and wait for up to 14 days. Decisions of people, deletes and"
            " takedowns wait with them; what is published stays published.",
        )
        add_stack(switch)
        add_wait(switch, WAIT_SECONDS)

    def run(self, options: argparse.Namespace) -> int:
        """Run the command and return its exit code."""
        outputs = StackOutputs.find(options.stack, options.outputs)
        intake = Intake(awslambda=boto3.client("lambda", region_name=outputs.region), outputs=outputs)
        for mapping in intake.switch(takes=self.takes, wait=options.wait):
            print(f"{mapping.function}: {mapping.state}")
        print(self.done.format(stack=options.stack))
        return 0


PAUSE = Switch(
    "pause",
    takes=False,
    help="stop processing uploads; they are accepted, and wait",
    done="Nothing is processed any more. Go on with: python -m operations resume --stack {stack}",
)
RESUME = Switch(
    "resume",
    takes=True,
    help="go on processing uploads after a pause",
    done="Uploads are processed again, and those that waited.",
)
