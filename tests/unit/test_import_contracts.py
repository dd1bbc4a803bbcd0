"""Each import contract of `.importlinter` fails when, and only when, its own rule is broken."""

import configparser
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
CONFIG = PROJECT / ".importlinter"
CONTRACT = "importlinter:contract:"


@dataclass(frozen=True)
class Violation:
    """Imports that break one contract; `imports`: module -> the module that it must not import."""

    contract: str
    imports: dict[str, str]


VIOLATIONS = (
    Violation("layers", {"media_pipeline.errors": "media_pipeline.handlers.process_image"}),
    Violation("pure", {"media_pipeline.images.decoding": "media_pipeline.observability"}),
    Violation("program", {"components.queue": "media_pipeline.limits"}),
    Violation("operations", {"operations.redrive": "media_pipeline.invocation"}),
    Violation("embedded", {"embedded_aws.world": "local.stacks"}),
    Violation("functions", {"media_pipeline.limits": "operations.redrive"}),
    Violation("cycles", {"components.queue": "components.alarms", "components.alarms": "components.queue"}),
)


@cache
def config() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read_string(CONFIG.read_text("utf-8"))
    return parsed


def modules() -> Iterator[Path]:
    """Yield every module of the packages under contract, as a path below the folder it is imported from."""
    for package in config()["importlinter"]["root_packages"].split():
        root = PROJECT / "lambda" if package == "media_pipeline" else PROJECT
        yield from (path.relative_to(root) for path in (root / package).rglob("*.py"))


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """Create the same modules without any content: no import, no violation."""
    for module in modules():
        path = tmp_path / module
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        for folder in path.relative_to(tmp_path).parents:
            if folder != Path():
                (tmp_path / folder / "__init__.py").touch()
    return tmp_path


def broken_contracts(root: Path) -> set[str]:
    """Run import-linter in a folder; return the contracts that it reports as broken."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--config", CONFIG, "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    names = {section.removeprefix(CONTRACT): config()[section]["name"] for section in contracts()}
    broken = {key for key, name in names.items() if f"{name} BROKEN" in done.stdout}
    assert done.returncode == (1 if broken else 0)
    return broken


def contracts() -> list[str]:
    return [section for section in config().sections() if section.startswith(CONTRACT)]


def test_modules_without_imports_break_no_contract(skeleton: Path) -> None:
    assert broken_contracts(skeleton) == set()


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.contract)
def test_an_import_against_a_contract_breaks_exactly_that_contract(
    skeleton: Path, violation: Violation
) -> None:
    for importer, imported in violation.imports.items():
        path = skeleton / f"{importer.replace('.', '/')}.py"
        assert path.exists(), "the violation needs a module that exists"
        assert (skeleton / f"{imported.replace('.', '/')}.py").exists()
        path.write_text(f"import {imported}\n", "utf-8")
    assert broken_contracts(skeleton) == {violation.contract}


def test_every_contract_has_a_violation_that_breaks_it() -> None:
    named = [section.removeprefix(CONTRACT) for section in contracts()]
    assert sorted(named) == sorted(violation.contract for violation in VIOLATIONS)
