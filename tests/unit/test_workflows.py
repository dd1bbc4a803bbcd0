"""The workflows run what was read: actions of exact commits, and without a token that a step could keep."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d")


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text("utf-8"))["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_each_action_is_of_one_commit_and_says_of_which_version(workflow: Path) -> None:
    uses = [line for line in workflow.read_text("utf-8").splitlines() if "uses:" in line]
    assert uses
    assert [line for line in uses if not PINNED.search(line)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_checkout_keeps_its_token(workflow: Path) -> None:
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_more(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text("utf-8"))["permissions"] == {"contents": "read"}


def test_the_update_bot_looks_into_each_folder_with_a_lock() -> None:
    ignored = {".venv", "build", "node_modules", ".git"}
    locks = (path for path in PROJECT.rglob("*.txt") if not ignored & set(path.relative_to(PROJECT).parts))
    folders = {
        "/" + path.parent.relative_to(PROJECT).as_posix().removeprefix(".")
        for path in locks
        if path.with_suffix(".in").exists() and "--hash=sha256:" in path.read_text("utf-8")
    }
    bot = yaml.safe_load((PROJECT / ".github" / "dependabot.yml").read_text("utf-8"))["updates"]
    assert {each["directory"] for each in bot if each["package-ecosystem"] == "pip"} == folders
    assert "github-actions" in {each["package-ecosystem"] for each in bot}


def test_only_the_job_that_publishes_a_release_may_write() -> None:
    writing = {
        (workflow.name, name)
        for workflow in WORKFLOWS
        for name, job in yaml.safe_load(workflow.read_text("utf-8"))["jobs"].items()
        if "write" in job.get("permissions", {}).values()
    }
    assert writing == {("release.yml", "publish")}
