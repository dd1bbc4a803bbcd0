"""ReviewConsole: the console for reviewers in AWS - a REST API, its function, and the pool of who may sign in.

All of it is billed by use: it costs nothing while nobody reviews (docs/adr/0065).
"""

from __future__ import annotations  # so that AWS's module for it is loaded only where a stack has it

import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import review_document
from components.access_log import BY_PERSON, AccessLog, AccessLogArgs
from components.config_model import StackConfig
from components.function import Platform, PythonFunction, PythonFunctionArgs
from components.function_specs import REVIEW_API
from components.naming import component_type
from components.resources import Resources

TOKEN_MINUTES = 15  # for so long somebody who was removed may go on: the gateway looks at the token alone
SESSION_HOURS = 12  # a day's work without signing in again
INVITATION_DAYS = 7
PASSWORD_CHARACTERS = 14
# Anybody may load the page, which invokes the function: enough for hundreds of reviewers, too little to run up a bill.
REQUESTS_PER_SECOND, REQUESTS_AT_ONCE = 20, 60


@dataclass(frozen=True, kw_only=True)
class ReviewConsoleArgs:
    """What the function runs on, and the resources that it uses."""

    config: StackConfig
    platform: Platform
    resources: Resources


class ReviewConsole(pulumi.ComponentResource):
    """The console at `url`, which ends in a slash, for the members of `user_pool`, who are invited by an operator."""

    function: PythonFunction
    user_pool: aws.cognito.UserPool
    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: ReviewConsoleArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(component_type("ReviewConsole"), name, {}, opts)
        self._args = args
        child = pulumi.ResourceOptions(parent=self)
        self.function = PythonFunction(
            f"{name}-{REVIEW_API.name}",
            PythonFunctionArgs(spec=REVIEW_API, platform=args.platform, resources=args.resources),
            child,
        )
        self.user_pool = self._pool(f"{name}-reviewers")
        stage = self._stage(f"{name}-review")
        aws.lambda_.Permission(
            f"{name}-review-permission",
            action="lambda:InvokeFunction",
            function=self.function.function.name,
            principal="apigateway.amazonaws.com",
            source_arn=pulumi.Output.concat(stage.execution_arn, "/*/*"),  # its methods and paths
            opts=child,
        )
        aws.apigateway.MethodSettings(
            f"{name}-review-throttle",
            rest_api=stage.rest_api,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings=aws.apigateway.MethodSettingsSettingsArgs(
                throttling_rate_limit=REQUESTS_PER_SECOND, throttling_burst_limit=REQUESTS_AT_ONCE
            ),
            opts=child,
        )
        self.url = pulumi.Output.concat(stage.invoke_url, "/")
        self.register_outputs({"url": self.url, "function": self.function.function.name})

    def _pool(self, name: str) -> aws.cognito.UserPool:
        """Create the pool: nobody signs up, and nobody signs in with a password alone."""
        stack = self._args.config.stack
        return aws.cognito.UserPool(
            name,
            user_pool_tier="LITE",  # has the sign-in page and authenticator apps; 10,000 users a month are free
            username_attributes=["email"],
            username_configuration=aws.cognito.UserPoolUsernameConfigurationArgs(case_sensitive=False),
            auto_verified_attributes=["email"],
            admin_create_user_config=aws.cognito.UserPoolAdminCreateUserConfigArgs(
                allow_admin_create_user_only=True,
                invite_message_template=aws.cognito.UserPoolAdminCreateUserConfigInviteMessageTemplateArgs(
                    email_subject=f"You are invited to review media of {stack}",
                    email_message=f"You are invited to review media of {stack}. Sign in as {{username}} with the "
                    f"temporary password {{####}} within {INVITATION_DAYS} days, at the address that you get from "
                    "the person who invited you. You need an authenticator app.",
                    sms_message="{username} {####}",  # never sent: nobody has a phone number here
                ),
            ),
            password_policy=aws.cognito.UserPoolPasswordPolicyArgs(
                # Long, and no rules about kinds of characters (NIST SP 800-63B, 3.1.1.2).
                minimum_length=PASSWORD_CHARACTERS,
                require_lowercase=False,
                require_numbers=False,
                require_symbols=False,
                require_uppercase=False,
                temporary_password_validity_days=INVITATION_DAYS,
            ),
            mfa_configuration="ON",  # a stolen password must neither show nor publish what is withheld
            software_token_mfa_configuration=aws.cognito.UserPoolSoftwareTokenMfaConfigurationArgs(
                enabled=True
            ),
            account_recovery_setting=aws.cognito.UserPoolAccountRecoverySettingArgs(
                recovery_mechanisms=[
                    aws.cognito.UserPoolAccountRecoverySettingRecoveryMechanismArgs(
                        name="verified_email", priority=1
                    )
                ]
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _stage(self, name: str) -> aws.apigateway.Stage:
        """Create the API, the sign-in page that leads to it, and the stage, which tells the function both addresses."""
        config, child = self._args.config, pulumi.ResourceOptions(parent=self)
        uri, pool_arn = self.function.function.invoke_arn, self.user_pool.arn
        rest_api = aws.apigateway.RestApi(
            name,
            body=pulumi.Output.json_dumps(review_document.body(uri, pool_arn)),
            description="Review console of the media pipeline",
            endpoint_configuration=aws.apigateway.RestApiEndpointConfigurationArgs(types="REGIONAL"),
            opts=child,
        )
        deployment = aws.apigateway.Deployment(
            f"{name}-deployment",
            rest_api=rest_api.id,
            triggers={"document": review_document.fingerprint(), "function": uri, "pool": pool_arn},
            opts=child,
        )
        # A name of its own beside the upload API's stage: in one region they are told apart by it, too.
        stage_name = f"{config.stack}-review"
        # Known before the stage is: the stage names the client, and the client this address.
        page = pulumi.Output.concat(
            "https://", rest_api.id, ".execute-api.", config.region, ".amazonaws.com/", stage_name, "/"
        )
        domain = aws.cognito.UserPoolDomain(
            f"{name}-domain",
            domain=self.user_pool.id.apply(_prefix),
            user_pool_id=self.user_pool.id,
            opts=child,
        )
        login = pulumi.Output.concat("https://", domain.domain, ".auth.", config.region, ".amazoncognito.com")
        # Who asked for which picture that is withheld. Decisions are in the records, with who took them.
        log = AccessLog(
            f"{name}-access",
            AccessLogArgs(
                retention=config.retention.logs,
                caller=BY_PERSON,
                looks_at_role=not config.api.enabled,
                key_arn=config.encryption.key_arn,
            ),
            child,
        )
        return aws.apigateway.Stage(
            f"{name}-stage",
            rest_api=rest_api.id,
            deployment=deployment.id,
            stage_name=stage_name,
            variables={"page": page, "login": login, "client": self._client(f"{name}-client", page).id},
            xray_tracing_enabled=config.tracing,
            access_log_settings=log.settings,
            opts=child,
        )

    def _client(self, name: str, page: pulumi.Output[str]) -> aws.cognito.UserPoolClient:
        """Create the page's client: no secret, a code with PKCE, and no way in that does not pass the sign-in page."""
        return aws.cognito.UserPoolClient(
            name,
            user_pool_id=self.user_pool.id,
            generate_secret=False,
            allowed_oauth_flows=["code"],
            allowed_oauth_flows_user_pool_client=True,
            # Not `aws.cognito.signin.user.admin`: nobody changes their own e-mail address, by which others know them.
            allowed_oauth_scopes=["openid", "email"],
            callback_urls=[page],
            logout_urls=[page],
            supported_identity_providers=["COGNITO"],
            explicit_auth_flows=["ALLOW_REFRESH_TOKEN_AUTH"],
            id_token_validity=TOKEN_MINUTES,
            access_token_validity=TOKEN_MINUTES,
            refresh_token_validity=SESSION_HOURS,
            token_validity_units=aws.cognito.UserPoolClientTokenValidityUnitsArgs(
                id_token="minutes",  # noqa: S106 - a unit
                access_token="minutes",  # noqa: S106
                refresh_token="hours",  # noqa: S106
            ),
            enable_token_revocation=True,
            prevent_user_existence_errors="ENABLED",
            opts=pulumi.ResourceOptions(parent=self),
        )


def _prefix(pool_id: str) -> str:
    """Return a domain prefix that no other pool of the region has, and that follows from the pool."""
    return f"review-{hashlib.sha256(pool_id.encode()).hexdigest()[:20]}"
