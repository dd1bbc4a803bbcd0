"""ApplicationAccess: managed policies that a team attaches to the roles of its own applications."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import iam, permissions
from components.config_model import Encryption
from components.key_grants import key_grants
from components.naming import component_type
from components.storage import MediaStorage


@dataclass(frozen=True, kw_only=True)
class ApplicationAccessArgs:
    """What the policies give access to, and the KMS keys with which it is encrypted."""

    storage: MediaStorage
    region: str
    encryption: Encryption


class ApplicationAccess(pulumi.ComponentResource):
    """`may_upload` and `may_read_renditions`: two policies that this program attaches to nothing."""

    may_upload: aws.iam.Policy
    may_read_renditions: aws.iam.Policy

    def __init__(
        self, name: str, args: ApplicationAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("ApplicationAccess"), name, {}, opts)
        child, storage = pulumi.ResourceOptions(parent=self), args.storage

        def with_key(statements: list[iam.Statement]) -> pulumi.Output[str]:
            return iam.policy([*statements, *key_grants(statements, args.encryption, args.region)])

        self.may_upload = aws.iam.Policy(
            f"{name}-may-upload",
            description=f"Put originals into the uploads bucket of {name}",
            policy=with_key(permissions.may_upload(storage.uploads)),
            opts=child,
        )
        self.may_read_renditions = aws.iam.Policy(
            f"{name}-may-read-renditions",
            description=f"Read what {name} has published, and what became of an original",
            policy=with_key(permissions.may_read_renditions(storage.renditions, storage.records)),
            opts=child,
        )
        self.register_outputs(
            {"may_upload": self.may_upload.arn, "may_read_renditions": self.may_read_renditions.arn}
        )
