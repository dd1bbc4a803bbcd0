"""Modules and functions stay small enough to be read, and packages of the functions cost nothing to import."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MOST_LINES_OF_A_MODULE = 400
MOST_LINES_OF_A_FUNCTION = 60


def python_files() -> list[Path]:
    """Return every Python file under version control; without git, every one outside of generated folders."""
    git = shutil.which("git")
    if git and (PROJECT / ".git").exists():
        command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"]
        listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout
        files = [PROJECT / name for name in listed.split("\0") if name]
    else:
        generated = {".venv", "build", "node_modules"}
        files = [path for path in PROJECT.rglob("*.py") if not generated & set(path.parts)]
    return [path for path in files if path.exists()]


def long_functions(source: str) -> Iterator[tuple[str, int]]:
    """Yield name and lines of each function that is too long; decorators do not count, nested functions do."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MOST_LINES_OF_A_FUNCTION:
                yield node.name, lines


def test_no_module_is_too_long() -> None:
    files = python_files()
    assert len(files) > 300
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in files}
    too_long = {
        path.relative_to(PROJECT).as_posix(): lines
        for path, lines in lengths.items()
        if lines > MOST_LINES_OF_A_MODULE
    }
    assert too_long == {}, f"split modules of more than {MOST_LINES_OF_A_MODULE} lines"


def test_no_function_is_too_long() -> None:
    too_long = {
        f"{path.relative_to(PROJECT).as_posix()}::{name}": lines
        for path in python_files()
        for name, lines in long_functions(path.read_text("utf-8"))
    }
    assert too_long == {}, f"split functions of more than {MOST_LINES_OF_A_FUNCTION} lines"


def test_the_length_of_a_function_is_that_of_its_definition_and_body() -> None:
    body = "    pass\n" * (MOST_LINES_OF_A_FUNCTION - 1)
    assert list(long_functions(f"@decorated\ndef short():\n{body}")) == []
    assert list(long_functions(f"class A:\n  async def long(self):\n{body}    pass\n")) == [
        ("long", MOST_LINES_OF_A_FUNCTION + 1)
    ]


def test_every_package_of_the_functions_is_empty() -> None:
    """Each byte of an `__init__.py` is compiled at every cold start; the root's has the version alone."""
    package = PROJECT / "lambda" / "media_pipeline"
    folders = {path.parent for path in package.rglob("*.py")} - {package}
    assert len(folders) > 5
    filled = [folder.name for folder in sorted(folders) if (folder / "__init__.py").read_bytes()]
    assert filled == [], "leave these __init__.py empty"
