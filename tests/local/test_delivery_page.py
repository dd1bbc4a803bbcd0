"""The Python of docs/operator/delivery.md signs addresses and cookies that an edge takes, also that of `make serve`."""

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from components.rules import SignerKey
from local.demo import scenes
from tests.fixtures.edge_site import INVALIDATION_SECONDS, Answer, ask, open_site
from tests.local.test_serve_profiles import PATIENCE, served, wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operator" / "delivery.md"
BODY = b"for some only"


@pytest.fixture
def public_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write `signer.pem`, as the page's commands do, and return the public half."""
    key = rsa.generate_private_key(65537, 2048)
    (tmp_path / "signer.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    monkeypatch.chdir(tmp_path)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def as_printed(*, key_id: str, url: str, cdn_url: str) -> tuple[str, str]:
    """Run the page's Python; return the signed address, and the header with the cookies."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names: dict[str, Any] = {"key_id": key_id, "url": url, "cdn_url": cdn_url}
    for block in blocks:
        exec(block, names)  # noqa: S102 - the page's own text
    return names["signed"], "; ".join(f"{name}={value}" for name, value in names["cookies"].items())


def test_the_examples_sign_with_a_key_that_the_configuration_takes(public_key: str) -> None:
    assert SignerKey().parse(public_key) == public_key
    with open_site() as site:
        delivery = site.make(keys={"signer": public_key})
        delivery.put("api/x/v/large-1.webp", BODY)
        listed = site.world.client("cloudfront").list_public_keys()["PublicKeyList"]["Items"]
        url = f"{delivery.url}/api/x/v/large-1.webp"
        signed, cookies = as_printed(key_id=listed[0]["Id"], url=url, cdn_url=delivery.url)
        assert ask(url).status == 403
        assert ask(signed).body == BODY
        assert ask(url, Cookie=cookies).body == BODY
        delivery.delete("api/x/v/large-1.webp")
        delivery.invalidate("/api/x/v/*")
        site.clock.now += INVALIDATION_SECONDS
        assert ask(signed).status == 403, "a takedown needs no new signature"


@pytest.mark.long
def test_they_work_against_a_served_stack(
    public_key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "delivery": {"cdn": True, "signed": [public_key]},
        "video.enabled": False,
        "sizes": {"thumbnail": 150},
    }
    with served("usual", "dev", tmp_path / "out", settings) as stack:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[a-z0-9]+\.cloudfront\.net", stack.variables["CDN_URL"])
        assert f"\nCDN_URL  {stack.variables['CDN_URL']}\n" in capsys.readouterr().out
        image = upload(stack.variables, tmp_path)
        url = image["renditions"][0]["url"]
        assert url.startswith(f"{stack.variables['CDN_URL']}/")
        signed, cookies = as_printed(
            key_id=stack.variables["CDN_SIGNERS"], url=url, cdn_url=stack.variables["CDN_URL"]
        )
        assert ask(url).status == 403
        assert [read(ask(signed)), read(ask(url, Cookie=cookies))] == ["Miss", "Hit"]
        stack.client("s3").delete_object(Bucket=stack.variables["UPLOADS_BUCKET"], Key=image["key"])
        wait_until(lambda: ask(signed).status == 403)
        assert ask(url, Cookie=cookies).status == 403


def read(answer: Answer) -> str:
    """Return what the edge did for an answer that has a picture."""
    assert answer.status == 200
    assert answer.headers["cache-control"] == "private, max-age=900, immutable"
    assert answer.headers["content-type"].startswith("image/")
    return answer.result


def upload(variables: dict[str, str], folder: Path) -> dict[str, Any]:
    """Upload a picture by the API, wait for its outcome, and return what the API says of it, with its object key."""
    scenes.lake((300, 200)).save(folder / "photo.jpg")
    api, headers = variables["API_URL"], {"x-api-key": variables["API_KEY"], "Content-Type": "image/jpeg"}

    def call(path: str, body: bytes | None = None) -> dict[str, Any]:
        request = urllib.request.Request(f"{api}{path}", data=body, headers=headers)  # noqa: S310 - of this machine
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
            return found

    id_ = call("/v1/images/upload", (folder / "photo.jpg").read_bytes())["image_id"]
    deadline = time.monotonic() + PATIENCE
    while (found := call(f"/v1/images/{id_}"))["status"] != "PUBLISHED":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return {**found, "key": f"api/{id_}"}
