"""The Python of docs/operator/delivery.md signs an address as CloudFront verifies it."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from components.rules import SignerKey

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operator" / "delivery.md"
URL = "https://d111111abcdef8.cloudfront.net/api/x/v/large-1.webp"


def test_the_example_signs_with_a_key_that_the_configuration_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "signer.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"key_id": "K1", "url": URL}
    exec(code, names)  # noqa: S102 - the page's own text
    parts = urlsplit(names["signed"])
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert query["Key-Pair-Id"] == "K1"
    condition = {"DateLessThan": {"AWS:EpochTime": int(query["Expires"])}}
    policy = json.dumps(
        {"Statement": [{"Resource": URL, "Condition": condition}]}, separators=(",", ":")
    ).encode()
    # CloudFront Developer Guide, "Create a URL signature that uses a canned policy": Base64 with others for +=/.
    signature = base64.b64decode(query["Signature"].translate(str.maketrans("-_~", "+=/")))
    key.public_key().verify(signature, policy, padding.PKCS1v15(), SHA1())  # noqa: S303 - what CloudFront verifies
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert SignerKey().parse(public.decode()) == public.decode()
