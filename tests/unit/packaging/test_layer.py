"""What a layer holds, and that its bytes depend on the lock and the target alone."""

import os
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from components.packaging import Package, Target, build_layer
from tests.unit.packaging.wheel_index import PURE, WheelFolder

ARM = Target("python3.13", "arm64")
X86 = Target("python3.14", "x86_64")


def build(wheels: WheelFolder, target: Target = ARM) -> Package:
    return build_layer(wheels.lock, target, output=wheels.output, cache=wheels.cache)


def names(package: Package) -> list[str]:
    with zipfile.ZipFile(package.path) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def raw(path: Path, member: str) -> bytes:
    """Read a member as it stands in the zip, still deflated."""
    data = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo(member)
    name, extra = struct.unpack_from("<2H", data, entry.header_offset + 26)
    start = entry.header_offset + 30 + name + extra
    return data[start : start + entry.compress_size]


def test_layer_holds_the_modules_under_python_and_what_importlib_metadata_reads(
    pip_wheels: WheelFolder,
) -> None:
    pip_wheels.add(
        "one==1.0", {"one/data.txt": "text", "one/tests/test_one.py": "", "one-1.0.dist-info/LICENSE": "MIT"}
    )
    pip_wheels.write_lock("one>=1")
    assert names(build(pip_wheels)) == [
        "python/NOTICE.small.txt",
        "python/one-1.0.dist-info/LICENSE",
        "python/one-1.0.dist-info/METADATA",
        "python/one-1.0.dist-info/WHEEL",
        "python/one/__init__.py",
        "python/one/data.txt",
        "python/one/tests/test_one.py",
    ]


def test_what_an_installer_writes_is_left_out(wheels: WheelFolder) -> None:
    installed = [
        "one-1.0.dist-info/INSTALLER",
        "one-1.0.dist-info/direct_url.json",
        "one/__pycache__/a.cpython-39.pyc",
    ]
    wheels.add("one==1.0", {**dict.fromkeys(installed, "x"), "one-1.0.data/scripts/one": "#!python"})
    wheels.write_lock("one")
    found = names(build(wheels))
    assert not [
        name for name in found if any(part in name for part in ("INSTALLER", "direct", "pyc", "scripts"))
    ]


def test_library_folders_of_a_wheel_land_beside_the_modules(wheels: WheelFolder) -> None:
    wheels.add(
        "one==1.0", {"one-1.0.data/purelib/extra.py": "x = 1", "one-1.0.data/platlib/more.py": "y = 1"}
    )
    wheels.write_lock("one")
    assert {"python/extra.py", "python/more.py"} <= set(names(build(wheels)))


def test_the_runtimes_sdk_is_left_out_as_a_set_and_not_even_fetched(pip_wheels: WheelFolder) -> None:
    sdk = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six", "urllib3")
    pip_wheels.add("one==1.0", requires=["boto3>=1"])
    for name in sdk:
        pip_wheels.add(f"{name}==1.0")
    pip_wheels.write_lock("one")
    top = {name.split("/")[1] for name in names(build(pip_wheels))}
    assert top == {"one", "one-1.0.dist-info", "NOTICE.small.txt"}
    assert [path.name for path in pip_wheels.cache.glob("*.whl")] == ["one-1.0-py3-none-any.whl"]


def test_every_entry_has_one_date_one_system_and_a_mode_that_lambda_can_read(wheels: WheelFolder) -> None:
    run = ["one/tool", "one/lib.so", "one/lib.so.1", "one/main.py"]
    wheels.add("one==1.0", dict.fromkeys(run, "x"), executables=run)
    wheels.write_lock("one")
    with zipfile.ZipFile(build(wheels).path) as archive:
        entries = archive.infolist()
    assert {(entry.date_time, entry.create_system, entry.extra, entry.comment) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 3, b"", b"")
    }
    modes = {entry.filename.removeprefix("python/"): entry.external_attr >> 16 for entry in entries}
    assert modes.pop("one/tool") == 0o100755
    assert set(modes.values()) == {0o100644}


def test_members_are_the_wheels_own_deflated_bytes(
    wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is never deflated here cannot depend on the zlib of the Python that builds."""
    fast = wheels.add("one==1.0", {"one/text.txt": "wheel " * 999}, level=1)
    wheels.write_lock("one")

    def refuse(*_args: object, **_options: object) -> None:
        pytest.fail("nothing may be deflated while a layer is built")

    monkeypatch.setattr(zlib, "compressobj", refuse)
    monkeypatch.setattr(zlib, "compress", refuse)
    assert raw(build(wheels).path, "python/one/text.txt") == raw(fast, "one/text.txt")


def test_same_bytes_from_another_folder_umask_and_clock(
    wheels: WheelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.add("one==1.0", {"one/ä.txt": "umlaut"})
    wheels.add("two==1.0")
    wheels.write_lock("one", "two")
    first = build(wheels)
    other = WheelFolder(tmp_path / "another place")
    other.folder.mkdir()
    for name in (wheels.lock.name, "small.in"):
        (other.folder / name).write_bytes((wheels.folder / name).read_bytes().replace(b"\n", b"\r\n"))
        os.utime(other.folder / name, (0, 0))
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    previous = os.umask(0o077)
    try:
        second = build(other)
    finally:
        os.umask(previous)
    assert second.path != first.path
    assert second.path.name == first.path.name
    assert second.path.read_bytes() == first.path.read_bytes()
    assert second.sha256 == first.sha256
    assert second.path.stat().st_mode & 0o444 == 0o444


def test_each_target_gets_the_wheel_that_fits_it_best(pip_wheels: WheelFolder) -> None:
    for tag in (
        "cp313-cp313-manylinux_2_17_aarch64",
        "cp313-cp313-manylinux_2_28_aarch64",
        "cp313-cp313-manylinux_2_35_aarch64",  # newer than the runtime's glibc
        "cp313-cp313t-manylinux_2_28_aarch64",
        "cp314-cp314-manylinux2014_x86_64",
        "cp313-cp313-musllinux_1_2_aarch64",
        PURE,
    ):
        pip_wheels.add("one==1.0", {"one/tag.txt": tag}, tag=tag)
    pip_wheels.write_lock("one")
    tags = {target: raw_text(build(pip_wheels, target), "python/one/tag.txt") for target in (ARM, X86)}
    assert tags == {ARM: "cp313-cp313-manylinux_2_28_aarch64", X86: "cp314-cp314-manylinux2014_x86_64"}
    assert raw_text(build(pip_wheels, Target("python3.14", "arm64")), "python/one/tag.txt") == PURE


def test_a_wheel_that_fits_less_well_in_the_cache_does_not_change_the_bytes(pip_wheels: WheelFolder) -> None:
    """Another target brought it there; a build from a cold cache would not have chosen it."""
    pip_wheels.add("one==1.0", {"one/tag.txt": "best"}, tag="cp313-cp313-manylinux_2_28_aarch64")
    pip_wheels.add("one==1.0", {"one/tag.txt": "pure"})
    pip_wheels.write_lock("one")
    build(pip_wheels, Target("python3.14", "arm64"))
    assert raw_text(build(pip_wheels), "python/one/tag.txt") == "best"


def test_markers_are_evaluated_for_the_target_and_not_for_this_machine(wheels: WheelFolder) -> None:
    markers = {
        "arm==1.0": "platform_machine == 'aarch64'",
        "linux==1.0": "sys_platform == 'linux' and os_name == 'posix'",
        "mac==1.0": "sys_platform == 'darwin'",
        "new==1.0": "python_full_version >= '3.14'",
        "old==1.0": "python_version < '3.13'",
        "windows==1.0": "platform_system == 'Windows'",
    }
    wheels.add("one==1.0", requires=[f"{pin} ; {marker}" for pin, marker in markers.items()])
    for pin in markers:
        wheels.add(pin)
    wheels.write_lock("one", markers=markers)
    modules = {
        target: {name.split("/")[1] for name in names(build(wheels, target)) if name.endswith(".py")}
        for target in (ARM, X86)
    }
    assert modules == {ARM: {"one", "arm", "linux"}, X86: {"one", "new", "linux"}}


def test_unchanged_rebuild_needs_neither_wheels_nor_index(wheels: WheelFolder) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    first = build(wheels)
    written = first.path.stat().st_mtime_ns
    for path in [*wheels.cache.glob("*.whl"), *wheels.index.iterdir()]:
        path.unlink()
    assert build(wheels) == first
    assert first.path.stat().st_mtime_ns == written


def test_a_changed_lock_makes_a_new_file_and_keeps_the_one_that_a_running_deployment_reads(
    wheels: WheelFolder,
) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    first = build(wheels)
    wheels.add("two==1.0")
    wheels.write_lock("one", "two")
    second = build(wheels)
    assert first.path.exists()
    assert (first.path, first.sha256) != (second.path, second.sha256)


@pytest.mark.parametrize(
    "damage", ["a flipped byte", "cut short", "gone", "the note is not JSON", "the note is gone"]
)
def test_a_damaged_package_heals(wheels: WheelFolder, damage: str) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    first = build(wheels)
    good, written = first.path.read_bytes(), first.path.stat().st_mtime_ns
    note = first.path.with_suffix(".json")
    if damage == "a flipped byte":
        first.path.write_bytes(good[:50] + bytes([good[50] ^ 1]) + good[51:])
    elif damage == "cut short":
        first.path.write_bytes(good[:-1])
        os.utime(first.path, ns=(written, written))
    elif damage == "gone":
        first.path.unlink()
    elif damage == "the note is not JSON":
        note.write_text("{")
    else:
        note.unlink()
    assert build(wheels) == first
    assert first.path.read_bytes() == good


def test_a_damaged_wheel_in_the_cache_heals(wheels: WheelFolder, caplog: pytest.LogCaptureFixture) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    first = build(wheels)
    wheel = next(wheels.cache.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-4])
    first.path.unlink()
    assert build(wheels) == first
    assert "damaged" in caplog.text
    assert wheel.read_bytes() == (wheels.index / wheel.name).read_bytes()


def raw_text(package: Package, member: str) -> str:
    with zipfile.ZipFile(package.path) as archive:
        return archive.read(member).decode()
