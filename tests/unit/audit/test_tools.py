"""The tools' reports are read, and one that misses what was planted fails the audit."""

from pathlib import Path
from typing import Any

import pytest

from scripts.audit import policies, tools
from scripts.audit.policies import Policy
from scripts.audit.stacks import Audited
from scripts.audit.tools import AuditError
from tests.components.recording import PROJECT, Recording

DEV = Audited("dev, base", "dev", {"tracing": True}, Recording("dev"))


def checkov_report(*failed: tuple[str, str, str], broken: int = 0) -> dict[str, Any]:
    checks = [
        {"file_path": f"/{plan}.json", "check_id": rule, "resource": where, "check_name": "why"}
        for plan, rule, where in failed
    ]
    return {"results": {"failed_checks": checks}, "summary": {"parsing_errors": broken}}


PLANTED = ("planted", "CKV_AWS_27", "aws_sqs_queue.open")


def test_a_finding_of_checkov_has_the_configuration_of_its_plan() -> None:
    report = checkov_report(("000", "CKV_AWS_28", "aws_dynamodb_table.records"), PLANTED)
    (finding,) = tools.read_checkov(report, [DEV])
    assert (finding.rule, finding.where) == ("CKV_AWS_28", "aws_dynamodb_table.records")
    assert (finding.configuration, finding.settings) == ("dev, base", {"tracing": True})


@pytest.mark.parametrize("report", [checkov_report(), checkov_report(PLANTED, broken=1)])
def test_a_checkov_that_read_nothing_fails(report: dict[str, Any]) -> None:
    with pytest.raises(AuditError, match="checkov"):
        tools.read_checkov(report, [DEV])


def cloudsplaining_report(**inline: dict[str, Any]) -> dict[str, Any]:
    entries = {name: {"PolicyName": name, **found} for name, found in inline.items()}
    return {"roles": {}, "inline_policies": entries, "customer_managed_policies": {}}


def test_a_finding_of_cloudsplaining_is_in_each_configuration_with_that_policy() -> None:
    policy = Policy("0000", "worker-policy", "aws:iam/rolePolicy:RolePolicy", "{}", (DEV, DEV))
    exposes = {"ResourceExposure": {"findings": ["iam:PassRole"]}}
    found = tools.read_cloudsplaining(
        cloudsplaining_report(**{"0000": exposes, "planted": exposes}), [policy]
    )
    assert [(each.rule, each.where, each.message) for each in found] == [
        ("ResourceExposure", "worker-policy", "iam:PassRole")
    ] * 2


def test_a_cloudsplaining_that_passes_an_open_policy_fails() -> None:
    with pytest.raises(AuditError, match="cloudsplaining did not find ResourceExposure"):
        tools.read_cloudsplaining(cloudsplaining_report(), [])


def bandit_result(path: str, rule: str) -> dict[str, Any]:
    return {"filename": path, "test_id": rule, "line_number": 7, "issue_text": "why"}


def test_a_finding_of_bandit_names_the_file_and_the_line() -> None:
    report = {
        "errors": [],
        "results": [bandit_result("local/a.py", "B101"), bandit_result("x/planted.py", "B307")],
    }
    (finding,) = tools.read_bandit(report)
    assert (finding.where, finding.message) == ("local/a.py", "line 7: why")


@pytest.mark.parametrize("errors", [[], [{"filename": "a.py", "reason": "syntax error"}]])
def test_a_bandit_that_could_not_read_fails(errors: list[dict[str, str]]) -> None:
    with pytest.raises(AuditError, match="bandit"):
        tools.read_bandit({"errors": errors, "results": []})


def zizmor_finding(path: str, rule: str) -> dict[str, Any]:
    place = {
        "symbolic": {"kind": "Primary", "key": {"Local": {"verbatim_path": path}}},
        "concrete": {"location": {"start_point": {"row": 2}}},
    }
    return {"ident": rule, "desc": "why", "locations": [place]}


def test_a_finding_of_zizmor_names_the_workflow_and_the_line() -> None:
    report = [
        zizmor_finding(".github/workflows/ci.yml", "artipacked"),
        zizmor_finding("planted.yml", "unpinned-uses"),
    ]
    (finding,) = tools.read_zizmor(report)
    assert (finding.where, finding.message) == ("ci.yml", "line 3: why")


def test_a_zizmor_that_passes_an_unpinned_action_fails() -> None:
    with pytest.raises(AuditError, match="zizmor"):
        tools.read_zizmor([])


def test_a_tool_that_is_not_installed_says_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tools, "ENVIRONMENTS", tmp_path)
    with pytest.raises(AuditError, match="zizmor is not installed"):
        tools.zizmor(tools.Inputs([], tmp_path))


def test_all_code_that_is_not_a_test_is_audited(tmp_path: Path) -> None:
    for file in ("new/deep/a.py", "tests/test_a.py", "docs/a.md", ".venv/a.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", "utf-8")
    assert tools.code(tmp_path) == ["__main__.py", "new"]
    assert {"components", "embedded_aws", "lambda", "operations"} <= set(tools.code(PROJECT))


def test_the_same_document_in_two_stacks_is_one_policy() -> None:
    assert policies.collect([DEV, DEV]) == []
