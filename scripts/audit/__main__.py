"""`python -m scripts.audit`: run every tool, apply the waivers, and fail if anything is left."""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from scripts.audit import stacks, tools, waivers
from scripts.audit.waivers import Finding, Verdict
from tests.components.recording import PROJECT

FILE: Final = Path(__file__).with_name("waivers.toml")
_SHOWN: Final = 3
FOLDER: Final = PROJECT / "build" / "audit"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit; return 1 if a finding has no waiver, or a waiver no finding."""
    parser = argparse.ArgumentParser(prog="python -m scripts.audit", description=__doc__)
    parser.add_argument("--only", choices=tools.TOOLS, help="one tool, in place of all")
    only = parser.parse_args(arguments).only
    chosen = [only] if only else list(tools.TOOLS)
    try:
        given = waivers.read(FILE)
        recorded = list(stacks.record()) if {"checkov", "cloudsplaining"} & set(chosen) else []
        inputs = tools.Inputs(recorded, FOLDER)
        findings: list[Finding] = []
        for tool in chosen:
            own = tools.TOOLS[tool](inputs)
            print(f"{tool}: {len(own)} findings", flush=True)
            findings += own
    except (tools.AuditError, waivers.WaiverError) as error:
        print(error, file=sys.stderr)
        return 1
    verdict = waivers.settle(findings, given, chosen)
    _report(verdict, f"{len(recorded)} configurations")
    return 0 if verdict.passes else 1


def _report(verdict: Verdict, audited: str) -> None:
    for tool, rule, where, message, found in _grouped(verdict.open):
        print(f"{tool} {rule} {where}: {message}")
        if any(found):
            others = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            print(f"    in {'; '.join(found[:_SHOWN])}{others}")
    for each in verdict.unneeded:
        print(f"not needed any more: the waiver of {each}. Take it out of {FILE.name}.")
    print(
        f"{len(verdict.open)} open, {verdict.waived} waived, {len(verdict.unneeded)} waivers not needed; {audited}"
    )


def _grouped(findings: Iterable[Finding]) -> list[tuple[str, str, str, str, list[str]]]:
    """Return each finding once, with the configurations that have it."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for each in findings:
        found.setdefault((each.tool, each.rule, each.where, each.message), []).append(each.configuration)
    return [(*key, names) for key, names in sorted(found.items())]


if __name__ == "__main__":
    sys.exit(main())
