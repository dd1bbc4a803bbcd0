"""Who may sign in to a stack's hosted console: invited and removed by an operator, one e-mail address each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import boto3

from operations.errors import OperationsError
from operations.stack import StackOutputs

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Invited(StrEnum):
    """What came of an invitation."""

    NEW = "invited"
    AGAIN = "invited again, with another temporary password"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may sign in; `status` is Cognito's word, such as CONFIRMED or FORCE_CHANGE_PASSWORD."""

    email: str
    status: str


class Reviewers:
    """The people of one console: `cognito` is boto3's client, `pool` the id of their pool, `url` the address."""

    def __init__(self, cognito: Any, *, pool: str, url: str) -> None:
        self._cognito = cognito
        self._pool = pool
        self.url = url

    @classmethod
    def of(cls, outputs: StackOutputs) -> "Reviewers":
        """Return the people of a stack. Raises OperationsError where it has no hosted console."""
        pool, url = outputs.named.get("review_user_pool_id"), outputs.named.get("review_url")
        if not pool or not url:
            raise OperationsError(
                "the stack has no console in AWS: set `review.console` to true and run `pulumi up`"
            )
        session = boto3.session.Session(region_name=outputs.region)
        return cls(session.client("cognito-idp"), pool=pool, url=url)

    def invite(self, email: str) -> Invited:
        """Have Cognito send somebody a temporary password; once more to who never signed in.

        Raises OperationsError for what is no address, and for who has signed in already.
        """
        address = _address(email)
        try:
            self._cognito.admin_create_user(
                UserPoolId=self._pool,
                Username=address,
                # Whoever reads the mail of this address gets the password: that is the proof.
                UserAttributes=[
                    {"Name": "email", "Value": address},
                    {"Name": "email_verified", "Value": "true"},
                ],
                DesiredDeliveryMediums=["EMAIL"],
            )
        except self._cognito.exceptions.UsernameExistsException:
            return self._invite_again(address)
        return Invited.NEW

    def remove(self, email: str) -> None:
        """Sign somebody out and delete the account. Raises OperationsError where there is none."""
        names = {"UserPoolId": self._pool, "Username": _address(email)}
        try:
            # First: what is deleted cannot be signed out any more.
            self._cognito.admin_user_global_sign_out(**names)
            self._cognito.admin_delete_user(**names)
        except self._cognito.exceptions.UserNotFoundException as error:
            raise OperationsError(f"{email} is not invited; `review people` lists who is") from error

    def people(self) -> Iterator[Person]:
        """Yield who may sign in."""
        for page in self._cognito.get_paginator("list_users").paginate(UserPoolId=self._pool):
            for user in page["Users"]:
                attributes = {each["Name"]: each.get("Value", "") for each in user["Attributes"]}
                yield Person(email=attributes.get("email", user["Username"]), status=user["UserStatus"])

    def _invite_again(self, address: str) -> Invited:
        user = self._cognito.admin_get_user(UserPoolId=self._pool, Username=address)
        if user["UserStatus"] != "FORCE_CHANGE_PASSWORD":
            raise OperationsError(f"{address} has an account already: nothing was sent")
        self._cognito.admin_create_user(
            UserPoolId=self._pool, Username=address, MessageAction="RESEND", DesiredDeliveryMediums=["EMAIL"]
        )
        return Invited.AGAIN


def _address(email: str) -> str:
    """Return an address as the pool spells it, which does not tell cases apart."""
    if not _EMAIL.fullmatch(email):
        raise OperationsError(f"{email!r} is not an e-mail address")
    return email.lower()
