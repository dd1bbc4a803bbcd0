"""Whose request it is: the administrator's, a role's, an IAM user's, or anybody's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.access.policies import Principal
from embedded_aws.access.signatures import issued_key
from embedded_aws.calls import Call, RefusedError
from embedded_aws.isolation import ACCOUNT_ID, ADMIN_ACCESS_KEY_ID

ANONYMOUS_NAME = "(anonymous)"


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who makes a request, and what identity policies say of them."""

    name: str
    """In the access log: a role's or a user's name, or ANONYMOUS_NAME."""
    principals: tuple[Principal, ...]
    """As whom resource policies may name the caller: a session counts as its role too."""
    documents: tuple[Any, ...] = ()
    """Identity policies, each as text or parsed."""

    @property
    def arn(self) -> str:
        """Return the ARN in AWS's messages: of a session, not of its role."""
        return self.principals[0].value

    @property
    def context(self) -> Mapping[str, str]:
        """Return the condition keys about the caller. `aws:PrincipalArn` of a session is its role's ARN."""
        last = self.principals[-1]
        return {"aws:PrincipalArn": last.value, "aws:PrincipalAccount": last.account} if last.account else {}


def _of_the_account(arn: str) -> Principal:
    return Principal(kind="AWS", value=arn, account=ACCOUNT_ID)


ADMINISTRATOR = Caller(
    name="administrator", principals=(_of_the_account(f"arn:aws:iam::{ACCOUNT_ID}:user/administrator"),)
)
ANYBODY = Caller(name=ANONYMOUS_NAME, principals=(Principal(kind="AWS", value="anonymous"),))


def find_caller(call: Call) -> Caller:
    """Return whose keys a call was signed with; raises RefusedError for keys that this world did not issue."""
    if call.access_key_id is None:
        return ANYBODY
    if call.access_key_id == ADMIN_ACCESS_KEY_ID:
        return ADMINISTRATOR
    key = issued_key(call.access_key_id, call.session_token)
    role = getattr(key, "_owner_role_name", None)
    arns = [key.arn] if role is None else [key.arn, f"arn:aws:iam::{ACCOUNT_ID}:role/{role}"]
    return Caller(
        name=str(role or key._owner_user_name),
        principals=tuple(map(_of_the_account, arns)),
        documents=tuple(map(_document, key.collect_policies())),
    )


def in_the_services_words(call: Call, refusal: RefusedError) -> RefusedError:
    """Return a refusal of keys as the called service words it; the given one is S3's."""
    if call.service == "s3" or refusal.code not in ("InvalidAccessKeyId", "InvalidToken"):
        return refusal
    message = f"The access key {call.access_key_id} does not belong to the embedded AWS."
    return RefusedError("InvalidClientTokenId", message, 403)


def _document(policy: Any) -> Any:
    """Return the document of what moto collects: text, a user's inline policy, or an attached managed policy."""
    if isinstance(policy, (str, bytes)):
        return policy
    if isinstance(policy, dict):
        return policy["policy_document"]
    return next(version.document for version in policy.versions if version.is_default)
