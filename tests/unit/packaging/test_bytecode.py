"""Bytecode in the packages: what is compiled, by which Python, and that it depends on the sources alone."""

import os
import subprocess
import sys
import zipfile
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from components.packaging import (
    Package,
    PackagingError,
    Target,
    __main__,
    build_code,
    build_layer,
    bytecode,
    stack,
)
from components.packaging.bytecode import Compiler, find_compiler
from components.packaging.stack import CODE
from tests.unit.packaging.wheel_index import WheelFolder

HOST = Target.host()
OTHER = "3.14" if sys.version_info[:2] == (3, 13) else "3.13"
MODULE = 'NAMES = frozenset({"one", "two", "three"})\n\ndef fail():\n    raise ValueError("planned")\n'
posix_only = pytest.mark.skipif(os.name != "posix", reason="programs on PATH are shell scripts here")


@pytest.fixture
def compiler() -> Compiler:
    found = find_compiler(HOST)
    assert found is not None
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "some_code"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "module.py").write_text(MODULE)
    return folder


def unpacked(package: Package, into: Path) -> Path:
    with zipfile.ZipFile(package.path) as archive:
        assert archive.testzip() is None
        archive.extractall(into)
    return into


def ran(path: Path, program: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(path)!r}); {program}"
    return subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)


def test_python_runs_the_bytecode_and_reads_no_source(
    folder: Path, tmp_path: Path, compiler: Compiler
) -> None:
    root = unpacked(build_code(folder, output=tmp_path, compiler=compiler), tmp_path / "task")
    (root / "some_code" / "module.py").write_text("raise SystemExit('the source was compiled')\n")
    done = ran(root, "from some_code.module import NAMES; print(len(NAMES))")
    assert (done.stdout.strip(), done.stderr) == ("3", "")


def test_bytecode_names_the_place_where_lambda_unpacks_the_package(
    folder: Path, tmp_path: Path, compiler: Compiler
) -> None:
    root = unpacked(build_code(folder, output=tmp_path, compiler=compiler), tmp_path / "task")
    cached = Path(cache_from_source(str(root / "some_code" / "module.py"))).read_bytes()
    assert b"/var/task/some_code/module.py" in cached
    assert str(tmp_path).encode() not in cached


def test_every_module_of_the_functions_has_bytecode(tmp_path: Path, compiler: Compiler) -> None:
    root = unpacked(build_code(CODE, output=tmp_path, compiler=compiler), tmp_path / "task")
    modules = list(root.rglob("*.py"))
    assert len(modules) > 100
    assert [path for path in modules if not Path(cache_from_source(str(path))).is_file()] == []


def test_fresh_processes_in_other_folders_compile_the_same_bytes(
    folder: Path, tmp_path: Path, compiler: Compiler
) -> None:
    first = build_code(folder, output=tmp_path / "one", compiler=compiler)
    moved = folder.parent.parent / "elsewhere" / folder.name
    moved.parent.mkdir()
    folder.rename(moved)
    second = build_code(moved, output=tmp_path / "two", compiler=compiler)
    assert first.path.name == second.path.name
    assert first.path.read_bytes() == second.path.read_bytes()


def test_a_modules_bytecode_does_not_depend_on_what_is_compiled_with_it(
    folder: Path, tmp_path: Path, compiler: Compiler
) -> None:
    def compiled(name: str) -> bytes:
        with zipfile.ZipFile(build_code(folder, output=tmp_path / name, compiler=compiler).path) as archive:
            return archive.read(f"some_code/{cache_from_source('module.py')}")

    alone = compiled("alone")
    for path in CODE.glob("*.py"):
        (folder / f"a_{path.name}").write_bytes(path.read_bytes())
    assert compiled("together") == alone


def test_a_layer_with_bytecode_is_another_package_than_one_without(
    wheels: WheelFolder, compiler: Compiler
) -> None:
    wheels.add("one==1.0", {"one/template.py": "{{ name }} = ", "one/module.py": MODULE})
    wheels.write_lock("one")
    plain = build_layer(wheels.lock, HOST, output=wheels.output, cache=wheels.cache)
    layer = build_layer(wheels.lock, HOST, output=wheels.output, cache=wheels.cache, compiler=compiler)
    assert plain.path != layer.path
    with zipfile.ZipFile(plain.path) as before, zipfile.ZipFile(layer.path) as after:
        added = sorted(set(after.namelist()) - set(before.namelist()))
        assert b"/opt/python/one/module.py" in after.read(added[1])
    # A template is no module: it has no bytecode, and stops nothing.
    assert added == [f"python/one/{cache_from_source(name)}" for name in ("__init__.py", "module.py")]


@posix_only
@pytest.mark.parametrize(
    "program",
    [
        "exit 127",  # a version manager's shim with no such version behind it
        "echo pypy {version} final False 610d0d0a",
        "echo cpython {version} candidate False 610d0d0a",
        "echo cpython {version} final True 610d0d0a",
        "echo cpython 3.9 final False 610d0d0a",
    ],
)
def test_a_program_that_is_no_such_python_compiles_nothing(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, program.format(version=OTHER), monkeypatch)
    assert find_compiler(Target(f"python{OTHER}", "arm64")) is None


@posix_only
def test_the_targets_own_python_is_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_on_path(tmp_path, f"echo cpython {OTHER} final False f30d0d0a", monkeypatch)
    command = str(tmp_path / f"python{OTHER}")
    assert find_compiler(Target(f"python{OTHER}", "arm64")) == Compiler((command,), OTHER, "f30d0d0a")


@posix_only
def test_a_python_that_cannot_compile_is_named_with_its_last_line(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_on_path(tmp_path, "echo no standard library >&2; exit 1", monkeypatch)
    broken = Compiler((str(tmp_path / f"python{OTHER}"),), OTHER, "f30d0d0a")
    with pytest.raises(PackagingError, match=rf"python{OTHER} could not compile .*: no standard library\."):
        build_code(folder, output=tmp_path / "packages", compiler=broken)


def test_package_command_says_where_bytecode_is_missing_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stack, "find_compiler", lambda _target: None)
    assert __main__.main(["package", "--stack", "dev"]) == 0
    assert capsys.readouterr().err.strip() == bytecode.missing(Target("python3.13", "arm64"))


def put_on_path(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `python<OTHER>` a shell script in `folder`, the only program on PATH but the shell's own."""
    path = folder / f"python{OTHER}"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
