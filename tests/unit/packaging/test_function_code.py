"""The code zip: the same from every checkout, and nothing in it that is not code."""

import zipfile
from pathlib import Path

import pytest

from components.packaging import PackagingError, build_code
from components.packaging.stack import CODE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout" / "media_pipeline"
    (folder / "handlers").mkdir(parents=True)
    (folder / "__init__.py").write_bytes(b'"""Doc."""\n\nX = "\xc3\xa4"\n')
    (folder / "handlers" / "process.py").write_bytes(b"def handler():\n    return 1\n")
    (folder / "data.json").write_bytes(b'{"a": 1}\n')
    return folder


def contents(folder: Path, output: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(build_code(folder, output=output).path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_code_stands_uncompressed_under_the_packages_own_name(folder: Path, tmp_path: Path) -> None:
    package = build_code(folder, output=tmp_path)
    with zipfile.ZipFile(package.path) as archive:
        entries = archive.infolist()
    assert package.name == "media-pipeline-code"
    assert [entry.filename for entry in entries] == [
        "media_pipeline/__init__.py",
        "media_pipeline/data.json",
        "media_pipeline/handlers/process.py",
    ]
    assert {(entry.compress_type, entry.external_attr >> 16, entry.date_time[0]) for entry in entries} == {
        (zipfile.ZIP_STORED, 0o100644, 1980)
    }


def test_line_ends_of_a_windows_checkout_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    unix = build_code(folder, output=tmp_path / "unix")
    for path in folder.rglob("*.*"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    windows = build_code(folder, output=tmp_path / "windows")
    assert windows.path.read_bytes() == unix.path.read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "__pycache__/data.cpython-313.pyc",
        "__pycache__/left.py",
        "tests/test_process.py",
        "handlers/test_process.py",
        "conftest.py",
        ".hidden.py",
        ".idea/module.json",
        "process.py~",
        "#process.py#",
        ".#process.py",
        ".process.py.swp",
        "process.py.orig",
        "notes.txt",
    ],
)
def test_what_is_no_code_is_left_out_and_changes_no_byte(folder: Path, tmp_path: Path, name: str) -> None:
    before = build_code(folder, output=tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("left over")
    assert build_code(folder, output=tmp_path) == before


def test_changed_code_is_another_package(folder: Path, tmp_path: Path) -> None:
    before = build_code(folder, output=tmp_path)
    (folder / "data.json").write_text('{"a": 2}\n')
    after = build_code(folder, output=tmp_path)
    assert (after.path, after.sha256) != (before.path, before.sha256)
    assert contents(folder, tmp_path)["media_pipeline/data.json"] == b'{"a": 2}\n'


def test_a_folder_without_code_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="contains no Python code"):
        build_code(tmp_path / "absent", output=tmp_path)


def test_the_pipelines_own_code_holds_every_handler_and_its_data(tmp_path: Path) -> None:
    found = contents(CODE, tmp_path)
    expected = {
        f"media_pipeline/{path.relative_to(CODE).as_posix()}"
        for pattern in ("*.py", "*.json", "reviews/page/*")
        for path in CODE.rglob(pattern)
    }
    assert set(found) == expected
    assert any(name.startswith("media_pipeline/handlers/") for name in found)
    assert not [name for name, data in found.items() if b"\r\n" in data]
