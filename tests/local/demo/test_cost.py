"""What the demo says of its cost is what the calls that the embedded AWS carried out cost."""

import threading
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.console import Console

from embedded_aws import server
from embedded_aws.calls import Call, read_call
from local.demo import samples
from local.demo.interrupts import Interrupts
from local.demo.output import Output
from local.demo.photos import find
from local.demo.progress import reporter
from local.demo.run import run
from operations.prices import Prices
from tests.fixtures.billed_calls import KINDS


@pytest.mark.long
def test_the_cost_that_the_demo_prints_is_within_2_percent_of_the_counted_calls(tmp_path: Path) -> None:
    counted: Counter[str] = Counter()
    lock = threading.Lock()

    def counting(environ: dict[str, Any], body: bytes) -> Call | None:
        call = read_call(environ, body)
        # Functions have a session; of the demo's own calls, those that upload are billed to the stack's owner as well.
        is_upload = call is not None and call.operation == "PutObject"
        if call is not None and call.operation in KINDS and (call.session_token or is_upload):
            with lock:
                counted[KINDS[call.operation]] += 1
        return call

    photos = tmp_path / "photos"
    photos.mkdir()
    samples.draw(photos)
    output = Output(tmp_path / "out")
    output.prepare()
    with mock.patch.object(server, "read_call", counting):
        result = run(
            "dev",
            find(photos, leaving_out=output.root),
            output,
            plan=None,
            interrupts=Interrupts(),
            reporter=reporter(Console(quiet=True)),
        )
    assert result.troubles == []
    prices = Prices.read()
    assert result.cost["judged"] == counted["rekognition_request"] > 0
    of_calls = ("Rekognition", "S3", "SNS")
    others = result.cost["total"] - sum(result.cost["by_service"][name] for name in of_calls)
    assert result.cost["total"] == pytest.approx(prices.cost(counted) + others, rel=0.02)
    assert result.cost["by_service"]["S3"] == pytest.approx(
        prices.cost({kind: counted[kind] for kind in ("s3_write", "s3_read")}), rel=0.1
    )
