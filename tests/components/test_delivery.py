"""The distribution: private bucket behind it, HTTPS, headers, keys; and nothing of it where it is off."""

import json
from typing import Any

import pytest

from components.delivery import EDGE_SECONDS
from components.rules import Certificate, SignerKey
from tests.components.config_parsing import Raw, parse, problems, put
from tests.components.conftest import Run
from tests.components.recording import Recording

DISTRIBUTION = "aws:cloudfront/distribution:Distribution"
HEADERS = "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy"
CACHE = "aws:cloudfront/cachePolicy:CachePolicy"
ACCESS = "aws:cloudfront/originAccessControl:OriginAccessControl"
DOMAIN = {"domain": "images.example.com", "certificateArn": Certificate().example}
DAILY = {"reconcile": "daily"}


@pytest.fixture(scope="module")
def plain(run: Run) -> Recording:
    return run("dev", {**DAILY, "delivery": {"cdn": True, "browserSeconds": 60}})


@pytest.fixture(scope="module")
def signed(run: Run) -> Recording:
    return run("dev", {**DAILY, "delivery": {"cdn": True, "signed": [SignerKey.EXAMPLE], **DOMAIN}})


def only(recorded: Recording, type_name: str) -> dict[str, Any]:
    (found,) = recorded.of(type_name)
    inputs: dict[str, Any] = dict(found.inputs)
    return inputs


def test_a_stack_that_does_not_ask_for_it_has_nothing_of_it(run: Run) -> None:
    without = run("dev", DAILY)
    assert not [each.type for each in without.resources if "cloudfront" in each.type]
    assert not any("CDN_" in str(each.inputs.get("environment")) for each in without.resources)


def test_readers_need_https_and_get_nothing_but_objects(plain: Recording) -> None:
    distribution = only(plain, DISTRIBUTION)
    behaviour, (origin,) = distribution["defaultCacheBehavior"], distribution["origins"]
    assert origin["originAccessControlId"], "the bucket answers nobody else"
    assert behaviour["viewerProtocolPolicy"] == "https-only"
    assert behaviour["allowedMethods"] == ["GET", "HEAD"]
    policies = [
        json.loads(each.inputs["policy"])
        for each in plain.of("aws:s3/bucketPolicy:BucketPolicy")
        if each.name.endswith("renditions-policy")
    ]
    (policy,) = policies
    (grant,) = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert grant["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert grant["Action"] == ["s3:GetObject"], "whoever may list would show all keys at the root"
    assert grant["Condition"]["ArnLike"]["aws:SourceArn"]


def test_every_request_to_the_bucket_is_signed_as_the_distribution(plain: Recording) -> None:
    access = only(plain, ACCESS)
    assert access["signingBehavior"] == "always", (
        "a reader's own Authorization header must not take its place"
    )
    assert access["signingProtocol"] == "sigv4"


def test_a_reader_cannot_have_the_edge_keep_a_further_copy_that_an_invalidation_of_the_path_might_miss(
    plain: Recording,
) -> None:
    kept_by = only(plain, CACHE)["parametersInCacheKeyAndForwardedToOrigin"]
    chosen = {
        name: kept_by[f"{name}sConfig"][f"{name}Behavior"] for name in ("cookie", "header", "queryString")
    }
    assert set(chosen.values()) == {"none"}, chosen


def test_the_edge_asks_again_within_a_day_whatever_the_object_says(plain: Recording) -> None:
    cache = only(plain, CACHE)
    assert cache["minTtl"] == 0, "an object may ask for less"
    assert cache["maxTtl"] == cache["defaultTtl"] == EDGE_SECONDS, "objects themselves say a year"


def test_browsers_keep_a_rendition_as_long_as_is_configured_and_guess_no_type(plain: Recording) -> None:
    headers = only(plain, HEADERS)
    (header,) = headers["customHeadersConfig"]["items"]
    assert header == {"header": "Cache-Control", "value": "public, max-age=60, immutable", "override": True}
    assert headers["securityHeadersConfig"]["contentTypeOptions"] == {"override": True}


def test_a_domain_has_its_certificate_and_tls_1_2(signed: Recording) -> None:
    distribution = only(signed, DISTRIBUTION)
    assert distribution["aliases"] == ["images.example.com"]
    assert distribution["viewerCertificate"]["minimumProtocolVersion"] == "TLSv1.2_2021"


def test_signed_addresses_are_verified_with_the_operators_keys(signed: Recording, plain: Recording) -> None:
    assert only(signed, "aws:cloudfront/publicKey:PublicKey")["encodedKey"] == SignerKey.EXAMPLE
    assert len(only(signed, DISTRIBUTION)["defaultCacheBehavior"]["trustedKeyGroups"]) == 1
    assert only(plain, DISTRIBUTION)["defaultCacheBehavior"]["trustedKeyGroups"] == []
    (header,) = only(signed, HEADERS)["customHeadersConfig"]["items"]
    assert header["value"].startswith("private, "), "no proxy keeps what is signed for one reader"


def test_outputs_are_the_address_the_distribution_and_the_keys(signed: Recording, plain: Recording) -> None:
    assert plain.outputs["cdn_url"] == "https://d111111abcdef8.cloudfront.net"
    assert "cdn_signers" not in plain.outputs
    assert signed.outputs["cdn_url"] == "https://images.example.com"
    assert signed.outputs["cdn_signers"].startswith("media-pipeline-dev-signer-")
    assert signed.outputs["cdn_distribution"].startswith("media-pipeline-dev-distribution-")


def test_only_who_removes_renditions_may_have_them_forgotten(plain: Recording) -> None:
    allowed = {
        each.name
        for each in plain.of("aws:iam/rolePolicy:RolePolicy")
        if "cloudfront:CreateInvalidation" in str(each.inputs["policy"])
    }
    wanted = ("process-image", "process-video", "dead-letters", "reconcile")
    assert {name.removeprefix("media-pipeline-dev-").removesuffix("-policy") for name in allowed} == {*wanted}


def test_the_api_signs_no_links_where_there_are_addresses(plain: Recording) -> None:
    (policy,) = [
        str(each.inputs["policy"])
        for each in plain.of("aws:iam/rolePolicy:RolePolicy")
        if "upload-api" in each.name
    ]
    assert "SignLinksToRenditions" not in policy


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"domain": "images.example.com"}, "delivery.certificateArn"),
        ({"certificateArn": DOMAIN["certificateArn"]}, "delivery.domain"),
        (
            {**DOMAIN, "certificateArn": str(DOMAIN["certificateArn"]).replace("us-east-1", "eu-central-1")},
            "delivery.certificateArn",
        ),
        ({**DOMAIN, "domain": "https://images.example.com"}, "delivery.domain"),
        ({"browserSeconds": -1}, "delivery.browserSeconds"),
        ({"signed": ["-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----"]}, "delivery.signed[0]"),
        ({"signed": [SignerKey.EXAMPLE.replace("MIIB", "AAAA")]}, "delivery.signed[0]"),
        ({"signed": [SignerKey.EXAMPLE] * 6}, "delivery.signed"),
    ],
)
def test_what_cloudfront_would_refuse_is_refused_before(raw: Raw, given: dict[str, Any], key: str) -> None:
    assert key in problems(put(raw, "delivery", {"cdn": True, **given}))


def test_govcloud_has_no_distributions(raw: Raw) -> None:
    found = problems(put(raw, "delivery", {"cdn": True}), region="us-gov-west-1")
    assert found["delivery.cdn"].fix.endswith("false")
    assert not parse(put(raw, "delivery", {}), region="us-gov-west-1").delivery.cdn


def test_the_same_key_on_fewer_lines_is_the_same_key() -> None:
    head, *lines, tail = SignerKey.EXAMPLE.strip().splitlines()
    assert SignerKey().parse(f"{head}\n{''.join(lines)}\n{tail}") == SignerKey.EXAMPLE
