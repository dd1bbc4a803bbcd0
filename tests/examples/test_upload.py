"""examples/python/upload.py against a served stack, whose webhook posts the outcomes to the receiver beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_end_to_end.served_stack import ServedStack, card, photo, serve_stack
from tests.components.recording import PROJECT
from tests.examples.receiving import receiver, wait_for

pytestmark = pytest.mark.long  # they deploy a stack
UPLOADER = PROJECT / "examples" / "python" / "upload.py"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[ServedStack]:
    hook = {
        "url": f"http://localhost:{port}/outcomes",
        "statuses": ["PUBLISHED", "BLOCKED"],
        "prefix": "api/",
    }
    more = {"media-pipeline:notify.webhooks": [hook]}
    with serve_stack(tmp_path_factory.mktemp("examples"), more) as served:
        yield served


def run(stack: ServedStack, file: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "API_URL": stack.url, "API_KEY": stack.key}
    command = [sys.executable, str(UPLOADER), str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_uploads_end_as_the_policy_says_and_the_webhook_is_told(
    stack: ServedStack, port: int, tmp_path: Path
) -> None:
    good, large, bad, odd = (tmp_path / name for name in ("good.jpg", "large.jpg", "bad.jpg", "notes.txt"))
    good.write_bytes(photo(1))
    large.write_bytes(photo(2) + b"\0" * 4_100_000)  # more than one request takes: by a form
    bad.write_bytes(card(Explicit=99))
    odd.write_text("no picture")
    arn, sns = stack.outputs["events_topic_arn"], str(stack.world.webhooks_endpoint)
    with receiver(arn, sns, tmp_path / "log", port) as (_, printed):
        # The confirmation was posted when nobody listened yet; SNS tries again.
        wait_for(lambda: "confirmed" in printed(), 60)
        for file in (good, large):
            answer = run(stack, file)
            assert answer.returncode == 0, answer.stderr
            assert answer.stdout.startswith("PUBLISHED")
            link = answer.stdout.split()[-1]
            assert stack.get_bytes(link)[1].startswith(b"\xff\xd8")
        refused = run(stack, bad)
        assert (refused.returncode, refused.stdout.split()) == (1, ["BLOCKED", "policy_block"])
        assert "does not accept 'text/plain'" in run(stack, odd).stderr
        wait_for(lambda: printed().count("PUBLISHED api/") == 2 and "BLOCKED api/" in printed(), 60)
