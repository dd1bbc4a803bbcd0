"""Documented and printed commands, pasted into a shell as a reader would (needs curl: `make front-door`)."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from local.serve.__main__ import PROJECT
from tests.api_end_to_end.served_stack import photo

PHOTOS = PROJECT.parent / "shared" / "photos"
GUIDE = PROJECT / "docs" / "application" / "uploading.md"
SCRIPT = re.compile(r"^## From upload to rendition.*?^```sh\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)
BY_BODY = 4_694_016  # bytes
WITH_BOTO3 = """
import boto3, os, time
s3, table = boto3.client("s3"), boto3.resource("dynamodb").Table(os.environ["RECORDS_TABLE"])
s3.upload_file("photo.jpg", os.environ["UPLOADS_BUCKET"], "by boto3/photo.jpg")
key = boto3.dynamodb.conditions.Key("object_key").eq("by boto3/photo.jpg")
while not (items := table.query(KeyConditionExpression=key)["Items"]) or "announced_at" not in items[0]:
    time.sleep(0.2)
first = items[0]["renditions"][0]["key"]
body = s3.get_object(Bucket=os.environ["RENDITIONS_BUCKET"], Key=first)["Body"].read()
print(items[0]["status"], len(body) == items[0]["renditions"][0]["bytes"])
"""


@dataclass(frozen=True)
class Serving:
    """A running `make serve`, and what it printed."""

    said: list[str]
    environment: Path


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    out = tmp_path_factory.mktemp("serving") / "with space"
    command = [sys.executable, "-m", "local.serve", "--out", str(out)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said: list[str] = []
        while not said or "Ctrl-C" not in said[-1]:
            said.append(process.stdout.readline())
            assert said[-1], said
        yield Serving(said, out / "env")
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=30)
        assert (process.returncode, "is removed" in rest) == (0, True)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Return a folder outside of the checkout, with a photo.jpg."""
    folder = tmp_path / "some where else"
    folder.mkdir()
    (folder / "photo.jpg").write_bytes(photo("pasted"))
    return folder


def in_a_shell(script: str, folder: Path, serving: Serving) -> subprocess.CompletedProcess[str]:
    """Run a script as in a terminal that has read the environment file."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "API_"))}
    text = f'. "$ENV_FILE"\n{script}'
    return subprocess.run(
        ["/bin/sh", "-e", "-c", text],
        cwd=folder,
        env={**bare, "ENV_FILE": str(serving.environment)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def guide() -> str:
    """Return the script in the guide to uploading."""
    found = SCRIPT.search(GUIDE.read_text("utf-8"))
    assert found is not None
    return found["script"]


@pytest.mark.parametrize(
    "which", ["drawn", "L1_nikon_d3100.jpg", "X1_prog_icc_4mp.jpg", "X4_png_paint.png", "X9_webp10.webp"]
)
def test_the_guides_script_runs_from_top_to_bottom(serving: Serving, elsewhere: Path, which: str) -> None:
    if which != "drawn":
        if not PHOTOS.is_dir():
            pytest.skip("../shared/photos is not there")
        shutil.copyfile(PHOTOS / which, elsewhere / "photo.jpg")
    done = in_a_shell(guide(), elsewhere, serving)
    assert (done.returncode, done.stderr) == (0, "")
    image = json.loads((elsewhere / "image.json").read_text())
    assert image["status"] == "PUBLISHED"
    with Image.open(elsewhere / "rendition") as rendition:
        assert max(rendition.size) == min(max(each["width"], each["height"]) for each in image["renditions"])
    posted, shown = json.JSONDecoder().raw_decode(done.stdout)
    assert posted["image_id"] != image["image_id"]  # two uploads: one by the body, one by a form
    assert json.loads(done.stdout[shown:]) == image


def test_the_guides_script_ends_with_the_apis_own_words_where_it_is_refused(
    serving: Serving, elsewhere: Path
) -> None:
    (elsewhere / "photo.jpg").write_text("no picture")
    done = in_a_shell(guide(), elsewhere, serving)
    assert done.returncode != 0
    assert "no picture" in json.loads(done.stdout)["detail"]


@pytest.mark.parametrize(
    "pixels", [300, 2000, 3200], ids=["small", "over the body's limit", "over the gateway's"]
)
def test_each_line_that_serve_prints_works_as_pasted(serving: Serving, elsewhere: Path, pixels: int) -> None:
    noise = Image.frombytes("RGB", (pixels, pixels), os.urandom(pixels * pixels * 3))
    noise.save(elsewhere / "photo.jpg", quality=98)
    small = (elsewhere / "photo.jpg").stat().st_size <= BY_BODY
    assert small == (pixels == 300)
    lines = [line for line in serving.said if line.startswith("curl ")]
    done = [in_a_shell(line, elsewhere, serving) for line in lines]
    assert [(each.returncode, each.stderr) for each in done] == [(0, "")] * 4
    upload, status, form, _ = done
    if small:
        assert json.loads(upload.stdout)["image_id"] == json.loads(status.stdout)["image_id"]
    else:
        assert "POST /v1/uploads" in json.loads(upload.stdout)["detail"]
        assert json.loads(status.stdout)["status"] in ("RECEIVED", "PROCESSING", "PUBLISHED")
    assert form.stdout.startswith("http://127.0.0.1:")
    assert Image.open(io.BytesIO((elsewhere / "rendition").read_bytes())).width == min(pixels, 2048)


def test_boto3_needs_nothing_but_the_environment_file(serving: Serving, elsewhere: Path) -> None:
    script = f"\"{sys.executable}\" - <<'END'\n{WITH_BOTO3}\nEND\n"
    done = in_a_shell(script, elsewhere, serving)
    assert (done.stdout, done.stderr, done.returncode) == ("PUBLISHED True\n", "", 0)


def test_the_printed_way_to_the_environment_file_works_in_any_folder(
    serving: Serving, elsewhere: Path
) -> None:
    (line,) = [line.strip() for line in serving.said if line.strip().startswith(". ")]
    done = subprocess.run(
        ["/bin/sh", "-e", "-c", f'{line}\necho "$API_URL"'],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"API_URL  {done.stdout}" in serving.said
