"""With a key group, the edge answers only what a key of the group has signed; botocore signs here."""

import json
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fixtures.edge_site import Answer, Delivery, Site

BODY = b"for some only"
HOUR = timedelta(hours=1)


@cache
def made_key(_: int) -> Any:
    """Return the private key of a number; making one takes long."""
    return rsa.generate_private_key(65537, 2048)


class Signer:
    """A key pair, of whose public half CloudFront knows under `id`; of equal numbers the same."""

    def __init__(self, id_: str = "", number: int = 2) -> None:
        self._key = made_key(number)
        self.id = id_
        form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public = self._key.public_key().public_bytes(*form).decode()

    @property
    def _signer(self) -> CloudFrontSigner:
        return CloudFrontSigner(
            self.id,
            lambda message: self._key.sign(message, PKCS1v15(), SHA1()),  # noqa: S303 - what CloudFront verifies
        )

    def canned(self, url: str, lasts: timedelta = HOUR) -> str:
        return str(self._signer.generate_presigned_url(url, date_less_than=datetime.now(UTC) + lasts))

    def custom(self, url: str, resource: str, lasts: timedelta = HOUR, **more: Any) -> str:
        policy = self.policy(resource, lasts, **more)
        return str(self._signer.generate_presigned_url(url, policy=policy))

    @staticmethod
    def policy(resource: str, lasts: timedelta = HOUR, **more: Any) -> str:
        ends = int((datetime.now(UTC) + lasts).timestamp())
        condition = {"DateLessThan": {"AWS:EpochTime": ends}, **more}
        return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]})

    def cookies(self, resource: str, lasts: timedelta = HOUR) -> str:
        """Return the header with the three cookies of a custom policy, which an address carries under other names."""
        query = self.custom("x:", resource, lasts).partition("?")[2]
        return "; ".join(f"CloudFront-{pair}" for pair in query.split("&"))


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(number=1)


@pytest.fixture(scope="module")
def delivery(site: Site, signer: Signer) -> Delivery:
    made = site.make(keys={"signer": signer.public})
    listed = site.world.client("cloudfront").list_public_keys()["PublicKeyList"]["Items"]
    signer.id = listed[-1]["Id"]
    for key in ("a/b.webp", "b"):
        made.put(key, BODY)
    return made


def refusal(answer: Answer) -> str:
    assert answer.status == 403
    assert BODY not in answer.body
    return answer.body.decode().partition("<Code>")[2].partition("</Code>")[0]


def get(delivery: Delivery, address: str, **headers: str) -> Answer:
    return delivery.get(address.removeprefix(f"{delivery.url}/"), **headers)


def test_a_signed_address_is_answered_also_from_the_cache(delivery: Delivery, signer: Signer) -> None:
    url = f"{delivery.url}/a/b.webp"
    assert get(delivery, signer.canned(url)).body == BODY
    answer = get(delivery, signer.canned(url, timedelta(minutes=2)))
    assert (answer.body, answer.result) == (BODY, "Hit")
    assert refusal(get(delivery, url)) == "MissingKey", "what is kept is not for everybody either"


def test_an_address_that_was_signed_as_aws_has_it_is_answered_here(
    delivery: Delivery, signer: Signer
) -> None:
    signed = signer.canned(f"https://{delivery.domain}/a/b.webp").partition("?")[2]
    assert delivery.get(f"a/b.webp?{signed}").body == BODY


@pytest.mark.parametrize("change", ["expired", "other object", "other expiry", "other key", "unknown key"])
def test_whatever_was_not_signed_is_forbidden(delivery: Delivery, signer: Signer, change: str) -> None:
    url = f"{delivery.url}/a/b.webp"
    address = {
        "expired": lambda: signer.canned(url, timedelta(seconds=-1)),
        "other object": lambda: signer.canned(url).replace("b.webp", "c.webp"),
        "other expiry": lambda: signer.canned(url).replace("Expires=", "Expires=9"),
        "other key": lambda: Signer(signer.id).canned(url),
        "unknown key": lambda: Signer("KUNKNOWN").canned(url),
    }[change]()
    code = refusal(get(delivery, address))
    assert code == ("InvalidKey" if change == "unknown key" else "AccessDenied")


def test_cookies_open_all_that_their_policy_names(delivery: Delivery, signer: Signer) -> None:
    cookies = signer.cookies(f"{delivery.url}/a/*")
    assert delivery.get("a/b.webp", Cookie=f"other=1; {cookies}").body == BODY
    assert refusal(delivery.get("b", Cookie=cookies)) == "AccessDenied"
    assert refusal(delivery.get("a/b.webp")) == "MissingKey"
    expired = signer.cookies(f"{delivery.url}/*", timedelta(seconds=-1))
    assert refusal(delivery.get("a/b.webp", Cookie=expired)) == "AccessDenied"


def test_a_custom_policys_further_conditions_count(delivery: Delivery, signer: Signer) -> None:
    url = f"{delivery.url}/a/b.webp"
    here, elsewhere = ({"AWS:SourceIp": each} for each in ("127.0.0.0/8", "192.0.2.0/24"))
    assert get(delivery, signer.custom(url, url, IpAddress=here)).body == BODY
    assert refusal(get(delivery, signer.custom(url, url, IpAddress=elsewhere))) == "AccessDenied"
    later = {"AWS:EpochTime": int(datetime.now(UTC).timestamp()) + 60}
    assert refusal(get(delivery, signer.custom(url, url, DateGreaterThan=later))) == "AccessDenied"


def test_a_signature_over_another_policy_is_forbidden(delivery: Delivery, signer: Signer) -> None:
    url = f"{delivery.url}/a/b.webp"
    narrow = dict(pair.split("=") for pair in signer.custom(url, f"{url}x").partition("?")[2].split("&"))
    wide = dict(pair.split("=") for pair in Signer(signer.id).custom(url, "*").partition("?")[2].split("&"))
    mixed = {**narrow, "Policy": wide["Policy"]}
    query = "&".join(f"{name}={value}" for name, value in mixed.items())
    assert refusal(delivery.get(f"a/b.webp?{query}")) == "AccessDenied"
    assert refusal(delivery.get(f"a/b.webp?{query.replace('Policy=', 'Policy=!')}")) == "MalformedSignature"
