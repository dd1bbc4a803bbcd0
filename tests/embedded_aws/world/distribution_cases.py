"""Of each type of CloudFront: how it is created, and what it is updated to in place."""

from typing import Any

from .resource_bench import Bench, Case, Inputs

Made = tuple[str, Inputs, Inputs]
# Of a key that was made for this file, and whose private half nobody has.
KEY = """-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAnvxpXmCkolNV8v6ai7Gf
xk5/fYpTdD74ZMrWLTweJuWEFSYVKF0DFiAW7piu87Mo1vCoN0We0/97H0FvZ6tU
wMoU/uEWFXK4fg6lFlxzQ8KDS+xMdHrVAFGkMEgtNpgCCMc9YWeOuU8fTimvl7iS
waimUpVu5CfILq5rw1c+X6Wg4SZLZDvuazg4qOL+8P5+XSpEZzngaLOoFS4LtpoA
28ibU5abuiQIQJzEva4IhXtprRfJ831TvTgPoTePXrYizMKnO/Jb2hca4RT+OnJy
YatstT3stApeRxhFQE/uYpzs46dvcMSXKglVWDqynNss8cRoya3X/Ci4KzwTqDWs
hQIDAQAB
-----END PUBLIC KEY-----
"""


def an_origin_access_control(_: Bench) -> Made:
    def control(behaviour: str) -> Inputs:
        return {
            "originAccessControlOriginType": "s3",
            "signingProtocol": "sigv4",
            "signingBehavior": behaviour,
        }

    return "aws:cloudfront/originAccessControl:OriginAccessControl", control("always"), control("never")


def a_cache_policy(_: Bench) -> Made:
    def policy(seconds: int) -> Inputs:
        return {
            "minTtl": 0,
            "defaultTtl": seconds,
            "maxTtl": seconds,
            "parametersInCacheKeyAndForwardedToOrigin": {
                "cookiesConfig": {"cookieBehavior": "none"},
                "headersConfig": {"headerBehavior": "none"},
                "queryStringsConfig": {"queryStringBehavior": "none"},
                "enableAcceptEncodingGzip": False,
            },
        }

    return "aws:cloudfront/cachePolicy:CachePolicy", policy(60), policy(120)


def a_response_headers_policy(_: Bench) -> Made:
    def policy(value: str) -> Inputs:
        header = {"header": "Cache-Control", "value": value, "override": True}
        return {
            "customHeadersConfig": {"items": [header]},
            "securityHeadersConfig": {"contentTypeOptions": {"override": True}},
        }

    return (
        "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
        policy("public, max-age=60"),
        policy("private, max-age=60"),
    )


def a_public_key(_: Bench) -> Made:
    # Neither key nor name ever changes: a new key is a new resource.
    return "aws:cloudfront/publicKey:PublicKey", {"encodedKey": KEY}, {"encodedKey": KEY}


def a_key_group(bench: Bench) -> Made:
    first = bench.make("aws:cloudfront/publicKey:PublicKey", {"encodedKey": KEY}, "first")
    second = bench.make("aws:cloudfront/publicKey:PublicKey", {"encodedKey": KEY}, "second")
    return "aws:cloudfront/keyGroup:KeyGroup", {"items": [first]}, {"items": [first, second]}


def a_distribution(bench: Bench) -> Made:
    def made(case: Any) -> str:
        type_name, inputs, _ = case(bench)
        return bench.make(type_name, inputs)

    control, cache, headers = map(made, (an_origin_access_control, a_cache_policy, a_response_headers_policy))

    def distribution(**changed: Any) -> Inputs:
        return {
            "enabled": True,
            "origins": [
                {
                    "originId": "files",
                    "domainName": "files.s3.eu-central-1.amazonaws.com",
                    "originAccessControlId": control,
                }
            ],
            "defaultCacheBehavior": {
                "targetOriginId": "files",
                "viewerProtocolPolicy": "https-only",
                "allowedMethods": ["GET", "HEAD"],
                "cachedMethods": ["GET", "HEAD"],
                "cachePolicyId": cache,
                "responseHeadersPolicyId": headers,
            },
            "viewerCertificate": {"cloudfrontDefaultCertificate": True},
            "restrictions": {"geoRestriction": {"restrictionType": "none"}},
            **changed,
        }

    certificate = {
        "acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        "sslSupportMethod": "sni-only",
        "minimumProtocolVersion": "TLSv1.2_2021",
    }
    return (
        "aws:cloudfront/distribution:Distribution",
        distribution(tags={"a": "b"}),
        distribution(aliases=["images.example.com"], viewerCertificate=certificate),
    )


CASES: tuple[Case, ...] = (
    an_origin_access_control,
    a_cache_policy,
    a_response_headers_policy,
    a_public_key,
    a_key_group,
    a_distribution,
)
