"""Of each type of Cognito: how it is created, and what it is updated to in place."""

from typing import Any

from .resource_bench import Bench, Case, Inputs

Made = tuple[str, Inputs, Inputs]


def a_user_pool(_: Bench) -> Made:
    def pool(**changed: Any) -> Inputs:
        return {
            "usernameAttributes": ["email"],
            "usernameConfiguration": {"caseSensitive": False},
            "userPoolTier": "LITE",
            "adminCreateUserConfig": {"allowAdminCreateUserOnly": True},
            "passwordPolicy": {"minimumLength": 12, "temporaryPasswordValidityDays": 7},
            **changed,
        }

    invitation = {"emailSubject": "s", "emailMessage": "{username} {####}", "smsMessage": "{username} {####}"}
    return (
        "aws:cognito/userPool:UserPool",
        pool(tags={"a": "b"}),
        pool(
            adminCreateUserConfig={"allowAdminCreateUserOnly": True, "inviteMessageTemplate": invitation},
            accountRecoverySetting={"recoveryMechanisms": [{"name": "verified_email", "priority": 1}]},
            mfaConfiguration="ON",
            softwareTokenMfaConfiguration={"enabled": True},
            passwordPolicy={"minimumLength": 14},
        ),
    )


def a_user_pool_client(bench: Bench) -> Made:
    pool = bench.make("aws:cognito/userPool:UserPool", {})

    def client(address: str, **changed: Any) -> Inputs:
        return {
            "userPoolId": pool,
            "allowedOauthFlows": ["code"],
            "allowedOauthScopes": ["openid"],
            "allowedOauthFlowsUserPoolClient": True,
            "callbackUrls": [address],
            "logoutUrls": [address],
            **changed,
        }

    units = {"idToken": "minutes", "accessToken": "minutes", "refreshToken": "hours"}
    return (
        "aws:cognito/userPoolClient:UserPoolClient",
        client("https://a.example.com/"),
        client(
            "https://b.example.com/",
            idTokenValidity=15,
            accessTokenValidity=15,
            refreshTokenValidity=12,
            tokenValidityUnits=units,
        ),
    )


def a_user_pool_domain(bench: Bench) -> Made:
    same = {"userPoolId": bench.make("aws:cognito/userPool:UserPool", {}), "domain": "sign-in-here"}
    return "aws:cognito/userPoolDomain:UserPoolDomain", same, same


CASES: tuple[Case, ...] = (a_user_pool, a_user_pool_client, a_user_pool_domain)
