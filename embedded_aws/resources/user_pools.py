"""Cognito: user pools, the clients of their sign-in pages, and the pages' domains."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from embedded_aws.resources.base import AutoName, Aws, Handler, Inputs, State, capitalised, pages


class CognitoHandler(Handler):
    """What the resources of Cognito have in common."""

    service = "cognito-idp"

    @property
    def cognito(self) -> Any:
        """Return the client."""
        return self.aws.client("cognito-idp")

    def found(self, operation: str, **names: Any) -> dict[str, Any] | None:
        """Return what a call returns; None where the resource is gone."""
        try:
            answer: dict[str, Any] = getattr(self.cognito, operation)(**names)
        except self.cognito.exceptions.ResourceNotFoundException:
            return None
        return answer


class UserPool(CognitoHandler):
    """A user pool; the id is AWS's. `endpoint` is where its tokens' issuer is, without the scheme."""

    type_name = "aws:cognito/userPool:UserPool"
    resource = "cognito.UserPool"
    _plain: ClassVar[Mapping[str, str]] = {
        "autoVerifiedAttributes": "AutoVerifiedAttributes",
        "deletionProtection": "DeletionProtection",
        "userPoolTier": "UserPoolTier",
    }
    _fixed: ClassVar[Mapping[str, str]] = {
        "usernameAttributes": "UsernameAttributes",
        "usernameConfiguration": "UsernameConfiguration",
    }
    carries = frozenset(
        {
            "name",
            *_plain,
            *_fixed,
            "usernameConfiguration.caseSensitive",
            "adminCreateUserConfig.allowAdminCreateUserOnly",
            "adminCreateUserConfig.inviteMessageTemplate.emailSubject",
            "adminCreateUserConfig.inviteMessageTemplate.emailMessage",
            "adminCreateUserConfig.inviteMessageTemplate.smsMessage",
            "accountRecoverySetting.*",
            "passwordPolicy.minimumLength",
            "passwordPolicy.requireLowercase",
            "passwordPolicy.requireNumbers",
            "passwordPolicy.requireSymbols",
            "passwordPolicy.requireUppercase",
            "passwordPolicy.temporaryPasswordValidityDays",
            "mfaConfiguration",
            "softwareTokenMfaConfiguration.enabled",
            "tags.*",
        }
    )
    replaces = frozenset(_fixed)
    create_first = True
    autoname = AutoName(input="name", max_length=128, exclusive=False)
    defaults: ClassVar[Mapping[str, Any]] = {"mfaConfiguration": "OFF", "deletionProtection": "INACTIVE"}

    @classmethod
    def existing(cls, aws: Aws) -> Iterator[str]:
        """Yield all user pools."""
        for pool in pages(aws, "cognito-idp", "list_user_pools", "UserPools", MaxResults=60):
            yield f"arn:aws:cognito-idp:{aws.region}:{aws.account_id}:userpool/{pool['Id']}"

    def create(self, inputs: Inputs) -> str:
        """Create the pool, then set what one needs besides the password."""
        fixed = {key: capitalised(inputs[name]) for name, key in self._fixed.items() if name in inputs}
        made = self.cognito.create_user_pool(**self._settings(inputs), **fixed)
        id_ = str(made["UserPool"]["Id"])
        if inputs["mfaConfiguration"] != "OFF":
            self._set_mfa(id_, inputs)
        return id_

    def read(self, id_: str) -> State | None:
        """Return settings, ARN and the issuer's place."""
        answer = self.found("describe_user_pool", UserPoolId=id_)
        if answer is None:
            return None
        shown = answer["UserPool"]
        state: State = {
            "arn": shown["Arn"],
            "name": shown["Name"],
            "endpoint": f"cognito-idp.{self.aws.region}.amazonaws.com/{id_}",
            "mfaConfiguration": shown["MfaConfiguration"],
            "deletionProtection": shown.get("DeletionProtection") or "INACTIVE",
            "tagsAll": shown.get("UserPoolTags") or {},
        }
        for name, key in {**self._plain, **self._fixed}.items():
            if shown.get(key):
                state[name] = _lowered(shown[key])
        if shown.get("AdminCreateUserConfig"):
            state["adminCreateUserConfig"] = _admin_config(shown["AdminCreateUserConfig"])
        if (shown.get("Policies") or {}).get("PasswordPolicy"):
            state["passwordPolicy"] = _lowered(shown["Policies"]["PasswordPolicy"])
        mfa = self.cognito.get_user_pool_mfa_config(UserPoolId=id_)
        if mfa.get("SoftwareTokenMfaConfiguration"):
            state["softwareTokenMfaConfiguration"] = _lowered(mfa["SoftwareTokenMfaConfiguration"])
        return state

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Set everything again: UpdateUserPool resets what it does not name."""
        self.cognito.update_user_pool(UserPoolId=id_, **self._settings(new))
        if self.changed(old, new) & {"mfaConfiguration", "softwareTokenMfaConfiguration"}:
            self._set_mfa(id_, new)

    def delete(self, id_: str, state: State) -> None:
        """Delete the pool with its users and clients; AWS refuses while it has a domain."""
        self.found("delete_user_pool", UserPoolId=id_)

    def _settings(self, inputs: Inputs) -> dict[str, Any]:
        settings: dict[str, Any] = {"PoolName": inputs["name"], "UserPoolTags": inputs["tagsAll"]}
        settings |= {key: inputs[name] for name, key in self._plain.items() if name in inputs}
        if "adminCreateUserConfig" in inputs:
            config = capitalised(inputs["adminCreateUserConfig"])
            template = config.get("InviteMessageTemplate", {})
            if "SmsMessage" in template:
                template["SMSMessage"] = template.pop("SmsMessage")
            settings["AdminCreateUserConfig"] = config
        if "accountRecoverySetting" in inputs:
            settings["AccountRecoverySetting"] = capitalised(inputs["accountRecoverySetting"])
        if "passwordPolicy" in inputs:
            settings["Policies"] = {"PasswordPolicy": capitalised(inputs["passwordPolicy"])}
        return settings

    def _set_mfa(self, id_: str, inputs: Inputs) -> None:
        token = inputs.get("softwareTokenMfaConfiguration")
        request = {"SoftwareTokenMfaConfiguration": capitalised(token)} if token else {}
        self.cognito.set_user_pool_mfa_config(
            UserPoolId=id_, MfaConfiguration=inputs["mfaConfiguration"], **request
        )


class UserPoolClient(CognitoHandler):
    """An application that users sign in to; the id is AWS's."""

    type_name = "aws:cognito/userPoolClient:UserPoolClient"
    resource = "cognito.UserPoolClient"
    removed_with = UserPool.type_name
    _settings: ClassVar[Mapping[str, str]] = {
        "name": "ClientName",
        "refreshTokenValidity": "RefreshTokenValidity",
        "accessTokenValidity": "AccessTokenValidity",
        "idTokenValidity": "IdTokenValidity",
        "explicitAuthFlows": "ExplicitAuthFlows",
        "supportedIdentityProviders": "SupportedIdentityProviders",
        "callbackUrls": "CallbackURLs",
        "logoutUrls": "LogoutURLs",
        "allowedOauthFlows": "AllowedOAuthFlows",
        "allowedOauthScopes": "AllowedOAuthScopes",
        "allowedOauthFlowsUserPoolClient": "AllowedOAuthFlowsUserPoolClient",
        "preventUserExistenceErrors": "PreventUserExistenceErrors",
        "enableTokenRevocation": "EnableTokenRevocation",
        "readAttributes": "ReadAttributes",
        "writeAttributes": "WriteAttributes",
    }
    carries = frozenset({*_settings, "userPoolId", "generateSecret", "tokenValidityUnits.*"})
    replaces = frozenset({"userPoolId", "generateSecret"})
    create_first = True
    autoname = AutoName(input="name", max_length=128, exclusive=False)

    def create(self, inputs: Inputs) -> str:
        """Create the client."""
        made = self.cognito.create_user_pool_client(
            UserPoolId=inputs["userPoolId"],
            GenerateSecret=inputs.get("generateSecret", False),
            **self._request(inputs),
        )
        return str(made["UserPoolClient"]["ClientId"])

    def read(self, id_: str) -> State | None:
        """Look through all pools: a client's id does not name its pool."""
        for pool in pages(self.aws, "cognito-idp", "list_user_pools", "UserPools", MaxResults=60):
            answer = self.found("describe_user_pool_client", UserPoolId=pool["Id"], ClientId=id_)
            if answer is not None:
                shown = answer["UserPoolClient"]
                state: State = {"userPoolId": pool["Id"]}
                state |= {name: shown[key] for name, key in self._settings.items() if key in shown}
                if shown.get("TokenValidityUnits"):
                    state["tokenValidityUnits"] = _lowered(shown["TokenValidityUnits"])
                return state
        return None

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Set everything again: UpdateUserPoolClient resets what it does not name."""
        self.cognito.update_user_pool_client(UserPoolId=new["userPoolId"], ClientId=id_, **self._request(new))

    def delete(self, id_: str, state: State) -> None:
        """Delete the client."""
        self.found("delete_user_pool_client", UserPoolId=state["userPoolId"], ClientId=id_)

    def _request(self, inputs: Inputs) -> dict[str, Any]:
        request = {key: inputs[name] for name, key in self._settings.items() if name in inputs}
        if "tokenValidityUnits" in inputs:
            request["TokenValidityUnits"] = capitalised(inputs["tokenValidityUnits"])
        return request


class UserPoolDomain(CognitoHandler):
    """The host of a pool's sign-in pages, a prefix of Cognito's own domain; the id is the prefix."""

    type_name = "aws:cognito/userPoolDomain:UserPoolDomain"
    resource = "cognito.UserPoolDomain"
    removed_with = UserPool.type_name
    carries = frozenset({"domain", "userPoolId"})
    replaces = frozenset({"domain", "userPoolId"})

    def create(self, inputs: Inputs) -> str:
        """Create the domain."""
        self.cognito.create_user_pool_domain(Domain=inputs["domain"], UserPoolId=inputs["userPoolId"])
        return str(inputs["domain"])

    def read(self, id_: str) -> State | None:
        """Return whose domain it is; Cognito describes one that does not exist by nothing."""
        shown = self.cognito.describe_user_pool_domain(Domain=id_)["DomainDescription"]
        if not shown:
            return None
        return {
            "domain": id_,
            "userPoolId": shown["UserPoolId"],
            "cloudfrontDistribution": shown["CloudFrontDistribution"],
        }

    def update(self, id_: str, old: Inputs, new: Inputs) -> None:
        """Do nothing: every change replaces it."""

    def delete(self, id_: str, state: State) -> None:
        """Delete the domain."""
        self.found("delete_user_pool_domain", Domain=id_, UserPoolId=state["userPoolId"])


def _lowered(value: Any) -> Any:
    """Return the inverse of `capitalised`, at every depth."""
    if isinstance(value, Mapping):
        return {f"{key[0].lower()}{key[1:]}": _lowered(inner) for key, inner in value.items()}
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value


def _admin_config(shown: Mapping[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = _lowered(shown)
    template = config.get("inviteMessageTemplate", {})
    if "sMSMessage" in template:
        template["smsMessage"] = template.pop("sMSMessage")
    config.pop("unusedAccountValidityDays", None)  # the password policy's own setting took its place
    return config
