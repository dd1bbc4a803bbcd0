"""`review invite`, `remove` and `people`: who may sign in to the hosted console."""

import argparse
from typing import Any

from operations.commands.arguments import add_stack
from operations.reviews.people import Reviewers
from operations.stack import StackOutputs

PEOPLE = ("invite", "remove", "people")


def declare(what: Any) -> None:
    """Declare the commands and their arguments."""
    invited = what.add_parser("invite", help="let somebody sign in to the console in AWS, by e-mail")
    removed = what.add_parser("remove", help="let somebody sign in no more")
    for command in (invited, removed):
        command.add_argument("email", help="the person's e-mail address")
        add_stack(command)
    add_stack(what.add_parser("people", help="list who may sign in to the console in AWS"))


def run_people(options: argparse.Namespace) -> int:
    """Run one of the commands and return its exit code."""
    reviewers = Reviewers.of(StackOutputs.find(options.stack, options.outputs))
    if options.what == "invite":
        print(f"{options.email} is {reviewers.invite(options.email)}, by e-mail from Cognito.")
        print(f"Send them the console's address, which the e-mail does not have:\n  {reviewers.url}")
    elif options.what == "remove":
        reviewers.remove(options.email)
        print(f"{options.email} can sign in no more. A page that is open works for 15 minutes at most.")
    else:
        for person in reviewers.people():
            print(f"{person.email}  {person.status}")
    return 0
