"""The tools, each in an environment of its own below `.venv/audit/`, and their answers as findings.

Each is also given something wrong that it must find: a tool that has stopped reading its input fails the audit, where
it would otherwise pass it.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.audit import policies, terraform
from scripts.audit.policies import Policy
from scripts.audit.stacks import Audited
from scripts.audit.waivers import Finding
from tests.components.recording import PROJECT

ENVIRONMENTS: Final = PROJECT / ".venv" / "audit"
_NOT_DEPLOYED: Final = frozenset({"benchmarks", "build", "demo", "tests"})
_PLANTED: Final = "planted"
_OPEN_POLICY: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}]}
)
_OPEN_WORKFLOW: Final = (
    "on: push\njobs:\n  planted:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: a/b@main\n"
)


class AuditError(Exception):
    """A tool that did not do its work: it says which one, and what it printed."""


@dataclass(frozen=True)
class Inputs:
    """What is audited, and a folder for files on the way."""

    stacks: Sequence[Audited]
    folder: Path


def checkov(inputs: Inputs) -> list[Finding]:
    """Return what Checkov objects to in the resources of every configuration."""
    plans = _fresh(inputs.folder / "plans")
    for number, audited in enumerate(inputs.stacks):
        plan = terraform.plan(audited.recording.resources, audited.prefix)
        (plans / f"{number:03d}.json").write_text(json.dumps(plan, indent=1), "utf-8")
    (plans / f"{_PLANTED}.json").write_text(json.dumps(_planted_plan(), indent=1), "utf-8")
    answer = _run(
        "checkov",
        ["-d", str(plans), "--framework", "terraform_plan", "-o", "json", "--compact", "--quiet"],
        ["--skip-download"],
        allowed=(0, 1),
    )
    return read_checkov(json.loads(answer), inputs.stacks)


def read_checkov(report: Mapping[str, Any], stacks: Sequence[Audited]) -> list[Finding]:
    """Return the findings in Checkov's report about numbered plans."""
    if count := report["summary"]["parsing_errors"]:
        raise AuditError(f"checkov could not read {count} of the plans in build/audit/plans")
    failed = report["results"]["failed_checks"]
    _expect_planted(
        "checkov", ((Path(each["file_path"]).stem, each["check_id"]) for each in failed), "CKV_AWS_27"
    )
    return [
        _found(
            "checkov",
            each["check_id"],
            each["resource"],
            each["check_name"],
            stacks[int(Path(each["file_path"]).stem)],
        )
        for each in failed
        if Path(each["file_path"]).stem != _PLANTED
    ]


def _planted_plan() -> dict[str, Any]:
    queue = {"address": "aws_sqs_queue.open", "mode": "managed", "type": "aws_sqs_queue", "name": "open"}
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": [{**queue, "values": {}}]}},
    }


def cloudsplaining(inputs: Inputs) -> list[Finding]:
    """Return what cloudsplaining objects to in the policies of every role."""
    folder = _fresh(inputs.folder / "policies")
    collected = policies.collect(inputs.stacks)
    planted = Policy(_PLANTED, _PLANTED, "aws:iam/rolePolicy:RolePolicy", _OPEN_POLICY, ())
    details = policies.authorization_details([*collected, planted])
    (folder / "account.json").write_text(json.dumps(details), "utf-8")
    _run(
        "cloudsplaining",
        ["scan", "--input-file", str(folder / "account.json"), "--output", str(folder)],
        ["--skip-open-report", "--flag-trust-policies"],
    )
    report = json.loads((folder / "iam-findings-account.json").read_text("utf-8"))
    return read_cloudsplaining(report, collected)


def read_cloudsplaining(report: Mapping[str, Any], collected: Iterable[Policy]) -> list[Finding]:
    """Return the findings in cloudsplaining's report about policies that are named by their ids."""
    by_id = {policy.id: policy for policy in collected}
    found: list[tuple[str, str, str]] = []
    for group in ("roles", "inline_policies", "customer_managed_policies"):
        for entry in report[group].values():
            name = entry.get("PolicyName") or entry["name"]
            for rule, result in entry.items():
                if isinstance(result, Mapping) and result.get("findings"):
                    found += [(name, rule, _text(each)) for each in result["findings"]]
    _expect_planted("cloudsplaining", ((name, rule) for name, rule, _ in found), "ResourceExposure")
    return [
        _found("cloudsplaining", rule, by_id[name].where, text, audited)
        for name, rule, text in found
        if name != _PLANTED
        for audited in by_id[name].audited
    ]


def _text(found: Any) -> str:
    return found if isinstance(found, str) else json.dumps(found, sort_keys=True)


def zizmor(inputs: Inputs) -> list[Finding]:
    """Return what zizmor objects to in the workflows and in the update bot's configuration."""
    planted = _fresh(inputs.folder / "workflows" / ".github" / "workflows") / f"{_PLANTED}.yml"
    planted.write_text(_OPEN_WORKFLOW, "utf-8")
    own = ["--offline", "--no-config", "--no-exit-codes", "--format", "json"]
    return read_zizmor(json.loads(_run("zizmor", own, [str(PROJECT / ".github"), str(planted)])))


def read_zizmor(report: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Return the findings in zizmor's report."""
    found = []
    for each in report:
        symbolic = next(place for place in each["locations"] if place["symbolic"]["kind"] == "Primary")
        path = Path(symbolic["symbolic"]["key"]["Local"]["verbatim_path"])
        line = symbolic["concrete"]["location"]["start_point"]["row"] + 1
        found.append((path.stem, each["ident"], path.name, f"line {line}: {each['desc']}"))
    _expect_planted("zizmor", ((stem, rule) for stem, rule, *_ in found), "unpinned-uses")
    return [Finding("zizmor", rule, name, text) for stem, rule, name, text in found if stem != _PLANTED]


def bandit(inputs: Inputs) -> list[Finding]:
    """Return what bandit objects to in the code."""
    planted = _fresh(inputs.folder / "code") / f"{_PLANTED}.py"
    planted.write_text("eval(input())\n", "utf-8")
    paths = [*code(PROJECT), str(planted)]
    return read_bandit(json.loads(_run("bandit", ["-q", "-r", "-f", "json", "--exit-zero"], paths)))


def code(project: Path) -> list[str]:
    """Return the program and every folder with Python in it, but for tests and benchmarks."""
    folders = (
        path
        for path in project.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name not in _NOT_DEPLOYED
    )
    return ["__main__.py", *sorted(path.name for path in folders if any(path.rglob("*.py")))]


def read_bandit(report: Mapping[str, Any]) -> list[Finding]:
    """Return the findings in bandit's report."""
    if report["errors"]:
        raise AuditError(f"bandit could not read {report['errors']}")
    found = report["results"]
    _expect_planted("bandit", ((Path(each["filename"]).stem, each["test_id"]) for each in found), "B307")
    return [
        Finding(
            "bandit",
            each["test_id"],
            Path(each["filename"]).as_posix().removeprefix("./"),
            f"line {each['line_number']}: {each['issue_text']}",
        )
        for each in found
        if Path(each["filename"]).stem != _PLANTED
    ]


TOOLS: Final[Mapping[str, Callable[[Inputs], list[Finding]]]] = {
    "bandit": bandit,
    "zizmor": zizmor,
    "cloudsplaining": cloudsplaining,
    "checkov": checkov,
}


def _found(tool: str, rule: str, where: str, message: str, audited: Audited) -> Finding:
    return Finding(tool, rule, where, message, audited.name, audited.settings)


def _expect_planted(tool: str, found: Iterable[tuple[str, str]], rule: str) -> None:
    if (_PLANTED, rule) not in found:
        raise AuditError(
            f"{tool} did not find {rule} where it was planted, so that its silence says nothing. Read its input in "
            "build/audit, and its release notes if its version is new."
        )


def _fresh(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    return folder


def _run(tool: str, *arguments: Sequence[str], allowed: Sequence[int] = (0,)) -> str:
    program = ENVIRONMENTS / tool / "bin" / tool
    if not program.exists():
        raise AuditError(f"{tool} is not installed. Run `make audit`, which installs it.")
    command = [str(program), *(each for part in arguments for each in part)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode not in allowed:
        raise AuditError(f"{tool} ended with {done.returncode}:\n{(done.stderr or done.stdout)[-3000:]}")
    return done.stdout
