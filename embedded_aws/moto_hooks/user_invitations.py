"""Cognito's invitations: who is created by an administrator gets a temporary password by e-mail.

After the Cognito Developer Guide, "Creating user accounts as administrator"; moto sends nothing, knows no password that
it was not given, and takes an invitation that is sent again for a new user.
"""

import secrets
import string
from typing import Any

from embedded_aws.moto_hooks.topic_deliveries import Notification, send_email
from embedded_aws.moto_replacement import replace

SENDER = "no-reply@verificationemail.com"
_SUBJECT = "Your temporary password"
_MESSAGE = "Your username is {username} and temporary password is {####}."
_GROUPS = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "!%+-_")
_EACH = 4  # characters of each group: enough for any password policy's kinds, and 16 in all


def apply() -> None:
    """Give each invited user a password and an e-mail."""
    from moto.cognitoidp.exceptions import InvalidParameterException
    from moto.cognitoidp.models import CognitoIdpBackend, UserStatus

    def admin_create_user(
        self: Any,
        user_pool_id: str,
        username: str,
        message_action: str,
        temporary_password: str,
        attributes: list[dict[str, str]],
    ) -> Any:
        if message_action == "RESEND":
            user = self.admin_get_user(user_pool_id, username)
            if user.status != UserStatus.FORCE_CHANGE_PASSWORD:
                raise InvalidParameterException(
                    f"User is in the state {user.status.value}: not invited again."
                )
        else:
            user = create(self, user_pool_id, username, message_action, temporary_password, attributes)
        user.password = temporary_password or _password()
        address = user.attribute_lookup.get("email")
        if address and message_action != "SUPPRESS":
            _invite(self.describe_user_pool(user_pool_id), address, user.password)
        return user

    create = replace(CognitoIdpBackend, "admin_create_user", admin_create_user)


def _invite(pool: Any, address: str, password: str) -> None:
    config = pool.extended_config.get("AdminCreateUserConfig") or {}
    template = config.get("InviteMessageTemplate") or {}
    text = template.get("EmailMessage", _MESSAGE)
    text = text.replace("{username}", address).replace("{####}", password)
    send_email(Notification.letter(SENDER, address, template.get("EmailSubject", _SUBJECT), text))


def _password() -> str:
    return "".join(secrets.choice(group) for _ in range(_EACH) for group in _GROUPS)
