"""The edge keeps what it has fetched for as long as policies say, and forgets it once an invalidation is finished."""

import json
from typing import Any

import pytest

from tests.fixtures.edge_site import INVALIDATION_SECONDS, Delivery, Site, ask

FIRST, SECOND = b"first", b"second"


def test_what_was_fetched_is_delivered_from_the_cache_until_its_time_is_over(delivery: Delivery) -> None:
    delivery.put("a/b.txt", FIRST, ContentType="text/plain")
    answer = delivery.get("a/b.txt")
    assert (answer.status, answer.body, answer.result) == (200, FIRST, "Miss")
    assert answer.headers["content-type"] == "text/plain"
    delivery.put("a/b.txt", SECOND)
    delivery.clock.now += 599
    answer = delivery.get("a/b.txt")
    assert (answer.body, answer.result, answer.headers["age"]) == (FIRST, "Hit", "599")
    delivery.clock.now += 1
    answer = delivery.get("a/b.txt")
    assert (answer.body, answer.result) == (SECOND, "Miss")
    delivery.clock.now += 600
    assert delivery.get("a/b.txt").result == "RefreshHit", "the bucket has the same one still"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("max-age=60", 60),
        ("max-age=60, s-maxage=120", 120),
        ("public, max-age=31536000, immutable", 3600),  # the policy's most
        ("no-store", 0),
        ("private, max-age=60", 0),
    ],
)
def test_the_objects_cache_control_counts_within_the_policys_bounds(
    delivery: Delivery, said: str, kept: int
) -> None:
    delivery.put("k", FIRST, CacheControl=said)
    assert delivery.get("k").result == "Miss"
    delivery.put("k", SECOND)
    if kept:
        delivery.clock.now += kept - 1
        assert delivery.get("k").body == FIRST
        delivery.clock.now += 1
    assert delivery.get("k").body == SECOND


def test_a_query_makes_no_difference(delivery: Delivery) -> None:
    delivery.put("k", FIRST)
    delivery.get("k?size=1")
    assert delivery.get("k?size=2").result == "Hit"


def test_a_policy_that_the_edge_does_not_carry_out_is_refused(site: Site) -> None:
    delivery = site.make(queries="all")
    delivery.put("k", FIRST)
    assert delivery.get("k").status == 501


def test_the_bucket_answers_only_the_distribution_that_its_policy_names(delivery: Delivery) -> None:
    delivery.put("k", FIRST)
    delivery.allow("EANOTHER")
    refused = delivery.get("k")
    assert (refused.status, refused.result) == (403, "Error")
    assert FIRST not in refused.body
    delivery.allow()
    assert delivery.get("k").status == 403, "an error is kept for a while"
    delivery.clock.now += 10
    assert delivery.get("k").body == FIRST


def test_without_origin_access_control_the_bucket_is_asked_as_by_anybody(site: Site) -> None:
    delivery = site.make(control="never")
    delivery.put("k", FIRST)
    assert delivery.get("k").status == 403
    everybody = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{delivery.bucket}/*",
    }
    policy = {"Version": "2012-10-17", "Statement": [everybody]}
    delivery.world.client("s3").put_bucket_policy(Bucket=delivery.bucket, Policy=json.dumps(policy))
    delivery.clock.now += 10
    assert delivery.get("k").body == FIRST


def test_what_is_not_there_is_forbidden_to_who_may_not_list(delivery: Delivery) -> None:
    assert delivery.get("none").status == 403
    assert delivery.get("").status == 403
    delivery.put("k", FIRST)
    delivery.allow(actions=("s3:GetObject", "s3:ListBucket"))
    delivery.clock.now += 10
    assert delivery.get("none").status == 404
    assert b"<Key>k</Key>" in delivery.get("").body


def test_a_customer_managed_key_has_to_let_cloudfront_decrypt(delivery: Delivery) -> None:
    kms: Any = delivery.world.client("kms")
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{delivery.world.account_id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    edge = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "aws:SourceArn": f"arn:aws:cloudfront::{delivery.world.account_id}:distribution/{delivery.id}"
            }
        },
    }

    def policy(*statements: Any) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    key = kms.create_key(Policy=policy(own))["KeyMetadata"]["Arn"]
    delivery.put("k", FIRST, ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    assert delivery.get("k").status == 403
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(own, edge))
    delivery.clock.now += 10
    assert delivery.get("k").body == FIRST


def test_the_response_headers_policy_is_applied_also_to_what_is_kept(site: Site) -> None:
    delivery = site.make(headers={"Cache-Control": "public, max-age=7"})
    delivery.put("k", FIRST, CacheControl="max-age=600")
    for result in ("Miss", "Hit"):
        answer = delivery.get("k")
        assert answer.result == result
        assert answer.headers["cache-control"] == "public, max-age=7"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"] == "max-age=60"


def test_an_invalidation_is_carried_out_after_a_while(delivery: Delivery) -> None:
    for key in ("x/1", "x/2", "y/1"):
        delivery.put(key, FIRST)
        delivery.get(key)
        delivery.delete(key)
    id_ = delivery.invalidate("/x/*")
    delivery.clock.now += INVALIDATION_SECONDS - 0.1
    assert {delivery.get(key).body for key in ("x/1", "x/2", "y/1")} == {FIRST}
    delivery.clock.now += 0.1
    found = delivery.world.client("cloudfront").get_invalidation(DistributionId=delivery.id, Id=id_)
    assert found["Invalidation"]["Status"] == "Completed"
    assert [delivery.get(key).status for key in ("x/1", "x/2", "y/1")] == [403, 403, 200]


def test_a_path_without_a_wildcard_is_one_object_only(delivery: Delivery) -> None:
    for key in ("x", "x1"):
        delivery.put(key, FIRST)
        delivery.get(key)
        delivery.delete(key)
    delivery.invalidate("/x")
    delivery.clock.now += INVALIDATION_SECONDS
    assert [delivery.get(key).status for key in ("x", "x1")] == [403, 200]


def test_what_is_fetched_after_an_invalidation_was_asked_for_is_kept(delivery: Delivery) -> None:
    delivery.put("k", FIRST)
    delivery.invalidate("/k")
    delivery.clock.now += 0.1
    assert delivery.get("k").result == "Miss"
    delivery.delete("k")
    delivery.clock.now += INVALIDATION_SECONDS
    assert delivery.get("k").body == FIRST, "who removes an object afterwards has asked too early"


def test_parts_conditions_and_methods_are_those_of_http(delivery: Delivery) -> None:
    delivery.put("k", b"0123456789")
    whole = delivery.get("k")
    for wanted, part, where in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=8-", b"89", "bytes 8-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
    ):
        answer = delivery.get("k", Range=wanted)
        assert (answer.status, answer.body, answer.headers["content-range"]) == (206, part, where)
    assert delivery.get("k", Range="bytes=10-").status == 416
    assert delivery.get("k", If_None_Match=whole.headers["etag"]).status == 304
    head = ask(f"{delivery.url}/k", method="HEAD")
    assert (head.status, head.headers["content-length"], head.body) == (200, "10", b"")
    assert ask(f"{delivery.url}/k", method="DELETE").status == 403


def test_a_distribution_is_found_by_its_host_too(site: Site) -> None:
    delivery = site.make(aliases=("images.example.com",))
    delivery.put("k", FIRST)
    root = str(site.world.edge_endpoint)
    assert ask(f"{root}/k", Host=delivery.domain).body == FIRST
    assert ask(f"{root}/k", Host="images.example.com").result == "Hit"
    assert ask(f"{root}/images.example.com/k").result == "Hit"
    assert ask(f"{root}/k").status == 403
