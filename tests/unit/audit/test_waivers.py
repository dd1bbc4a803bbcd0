"""A finding needs a waiver, and a waiver needs a finding."""

from pathlib import Path

import pytest

from scripts.audit.__main__ import FILE
from scripts.audit.tools import TOOLS
from scripts.audit.waivers import Finding, Waiver, WaiverError, read, settle

OPEN_QUEUE = Finding("checkov", "CKV_AWS_27", "aws_sqs_queue.images", "encrypt it", "dev", {"tracing": True})
WAIVER = Waiver("checkov", "CKV_AWS_27", ("aws_sqs_queue.*",), "because")
TABLE = '[[waiver]]\ntool = "bandit"\nrule = "B101"\nwhere = ["a.py"]\n'


def test_a_finding_without_a_waiver_is_open() -> None:
    verdict = settle([OPEN_QUEUE], [], ["checkov"])
    assert (verdict.open, verdict.passes) == ((OPEN_QUEUE,), False)


def test_a_waived_finding_passes() -> None:
    verdict = settle([OPEN_QUEUE], [WAIVER], ["checkov"])
    assert (verdict.open, verdict.waived, verdict.passes) == ((), 1, True)


@pytest.mark.parametrize(
    "other",
    [
        Waiver("bandit", "CKV_AWS_27", ("aws_sqs_queue.*",), "another tool"),
        Waiver("checkov", "CKV_AWS_28", ("aws_sqs_queue.*",), "another rule"),
        Waiver("checkov", "CKV_AWS_27", ("aws_sns_topic.*",), "another place"),
        Waiver("checkov", "CKV_AWS_27", ("*",), "other values", when={"tracing": False}),
        Waiver("checkov", "CKV_AWS_27", ("*",), "a key that is not there", when={"protect": False}),
        Waiver("checkov", "CKV_AWS_27", ("*",), "ended", unless=("tracing",)),
    ],
    ids=lambda waiver: waiver.reason,
)
def test_a_waiver_of_something_else_leaves_it_open_and_is_not_needed(other: Waiver) -> None:
    verdict = settle([OPEN_QUEUE], [other], ["checkov", "bandit"])
    assert verdict.open == (OPEN_QUEUE,)
    assert len(verdict.unneeded) == 1


def test_each_place_of_a_waiver_must_be_needed() -> None:
    waiver = Waiver("checkov", "CKV_AWS_27", ("aws_sqs_queue.images", "aws_sqs_queue.videos"), "because")
    assert settle([OPEN_QUEUE], [waiver], ["checkov"]).unneeded == (
        "checkov CKV_AWS_27 at aws_sqs_queue.videos",
    )


def test_waivers_of_a_tool_that_did_not_run_are_left_alone() -> None:
    assert settle([], [WAIVER], ["bandit"]).passes


def test_a_condition_is_about_the_configuration_in_which_it_was_found() -> None:
    waiver = Waiver(
        "checkov", "CKV_AWS_27", ("*",), "off", when={"tracing": True}, unless=("encryption.keyArn",)
    )
    assert settle([OPEN_QUEUE], [waiver], ["checkov"]).passes


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TABLE, "waiver 1: reason. A waiver has reason, rule, tool, where"),
        (f'{TABLE}reason = "r"\nreasons = "r"\n', "waiver 1: reasons"),
        (f'{TABLE}reason = " "\n', "give a reason"),
        ("[[waiver]", "not valid TOML"),
    ],
)
def test_a_waiver_that_says_too_little_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "waivers.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(WaiverError, match=says):
        read(path)


def test_the_projects_waivers_are_of_tools_that_run() -> None:
    assert {waiver.tool for waiver in read(FILE)} <= set(TOOLS)
