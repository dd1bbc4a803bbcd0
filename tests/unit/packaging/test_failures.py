"""Each failure answers with a sentence of its own and leaves a cache that the next build can use."""

import errno
import os
import socket
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

from components.packaging import Package, PackagingError, Target, archive, build_layer, check_fits, pip, store
from components.packaging.errors import (
    HashMismatchError,
    LockError,
    NoNetworkError,
    NoWheelError,
    StorageError,
    TargetError,
    TooLargeError,
    WheelError,
)
from components.packaging.lock import Lock
from tests.unit.packaging.wheel_index import WheelFolder

ARM = Target("python3.13", "arm64")
FOREIGN = "cp313-cp313-win_amd64"


def build(wheels: WheelFolder) -> Package:
    return build_layer(wheels.lock, ARM, output=wheels.output, cache=wheels.cache)


def fails(wheels: WheelFolder, kind: type[PackagingError], *said: str) -> str:
    """Build, and return the message: one line that says what was asked for, with nothing left lying around."""
    with pytest.raises(kind) as caught:
        build(wheels)
    message = str(caught.value)
    assert type(caught.value) is kind
    assert "\n" not in message
    for part in said:
        assert part in message
    assert wheels.leftovers() == []
    return message


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Hold a port that nothing listens on, so that no other process gets it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_errors_reach_the_user_of_pulumi_as_a_message_without_a_traceback() -> None:
    assert issubclass(PackagingError, pulumi.RunError)


def test_no_network_and_cold_cache(
    pip_wheels: WheelFolder, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_wheels.add("one==1.0")
    pip_wheels.write_lock("one")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    wanted = ("one==1.0", "python3.13-arm64", str(pip_wheels.cache), "connection error", "pip config set")
    fails(pip_wheels, NoNetworkError, *wanted)


def test_wheels_at_hand_need_no_network(
    pip_wheels: WheelFolder, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_wheels.add("one==1.0")
    pip_wheels.write_lock("one")
    first = build(pip_wheels)
    first.path.unlink()
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed_port}/simple")
    assert build(pip_wheels) == first


def test_no_wheel_for_the_target_names_the_tags_that_there_are(pip_wheels: WheelFolder) -> None:
    pip_wheels.add("one==1.0", tag=FOREIGN)
    pip_wheels.add("one==1.0", tag="cp313-cp313-manylinux_2_28_x86_64")
    pip_wheels.write_lock("one")
    fails(
        pip_wheels,
        NoWheelError,
        "one==1.0",
        "python3.13-arm64",
        "manylinux_2_34_aarch64",
        f"{FOREIGN.replace('win_amd64', 'manylinux_2_28_x86_64')}, {FOREIGN}",
        "make lock",
    )


def test_no_wheel_at_all_is_distinguished_from_no_network(pip_wheels: WheelFolder) -> None:
    pip_wheels.add("one==1.0").unlink()
    pip_wheels.write_lock("one")
    fails(pip_wheels, NoWheelError, "one==1.0", "no wheel", "pip config list")


def test_an_index_without_the_package_is_distinguished_from_no_network(
    tmp_path: Path, wheels: WheelFolder
) -> None:
    wheels.add("one==1.0")
    pins = Lock.read(wheels.write_lock("one")).pins
    output = "ERROR: Could not find a version that satisfies the requirement one==1.0 (from versions: none)\n"
    log = "Could not fetch URL http://127.0.0.1/simple/one/: {} - skipping\n"
    absent = log.format("404 Client Error: Not Found for url: http://127.0.0.1/simple/one/")
    assert type(pip.diagnosis(output, absent, pins, ARM, tmp_path)) is NoWheelError
    refused = pip.diagnosis(output, log.format("403 Client Error: Forbidden"), pins, ARM, tmp_path)
    assert type(refused) is NoNetworkError
    assert "(403 Client Error: Forbidden)" in str(refused)


def test_connection_that_breaks_off_during_a_download(tmp_path: Path) -> None:
    """The index page was answered, so nothing in pip's log tells; the last line does."""
    output = "Collecting one\nhttp.client.IncompleteRead: IncompleteRead(5 bytes read)\n"
    error = pip.diagnosis(output, "", [], ARM, tmp_path)
    assert type(error) is NoNetworkError
    assert "IncompleteRead(5 bytes read)" in str(error)


def test_wrong_bytes_from_the_index_are_refused(pip_wheels: WheelFolder) -> None:
    pip_wheels.add("one==1.0")
    pip_wheels.write_lock("one")
    pip_wheels.add("one==1.0", {"one/evil.py": "import os"})
    fails(pip_wheels, HashMismatchError, "one", pip_wheels.hashes["one==1.0"][1], "refused", "make lock")
    assert not list(pip_wheels.cache.glob("*.whl"))


def test_wrong_bytes_are_refused_even_if_pip_lets_them_pass(wheels: WheelFolder) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    wheels.add("one==1.0", {"one/evil.py": "import os"})
    fails(wheels, HashMismatchError, "one-1.0-py3-none-any.whl", "refused")
    assert not list(wheels.cache.glob("*.whl"))


def test_lock_missing(wheels: WheelFolder) -> None:
    wheels.write_lock("one")
    wheels.lock.unlink()
    fails(wheels, LockError, str(wheels.lock), "missing", "make lock")


def test_inputs_missing(wheels: WheelFolder) -> None:
    wheels.write_lock()
    wheels.lock.with_suffix(".in").unlink()
    fails(wheels, LockError, "small.in", "missing", "Restore it")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"one>=1 --hash=sha256:" + b"0" * 64, "line 1: it must pin one version"),
        (b"# pinned\n\none==1.0\n", "line 3: it must pin one version"),
        (b"one==1.* --hash=sha256:" + b"0" * 64, "not a single version"),
        (b"one==1.0 \\\n    --hash=md5:00\n", "line 1: 'one==1.0"),
        (b"--index-url https://index.invalid\n", "not a requirement"),
        (b"one @ file:///tmp/one.whl --hash=sha256:" + b"0" * 64, "is a link"),
        (b"<<<<<<< HEAD\n", "not a requirement"),
    ],
)
def test_lock_unreadable(wheels: WheelFolder, content: bytes, said: str) -> None:
    wheels.write_lock("one")
    wheels.lock.write_bytes(content)
    fails(wheels, LockError, str(wheels.lock), "unreadable", said, "make lock")


def test_lock_that_is_a_folder(wheels: WheelFolder) -> None:
    wheels.write_lock("one")
    wheels.lock.unlink()
    wheels.lock.mkdir()
    fails(wheels, LockError, str(wheels.lock), "unreadable", "make lock")


def test_unreadable_inputs_name_their_own_line(wheels: WheelFolder) -> None:
    wheels.write_lock("one", "two three")
    fails(wheels, LockError, "small.in", "line 2", "Correct that line", "make lock")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("two", "small.in requires two, which is not pinned"),
        ("one>=2", "small.in requires one>=2, but one==1.0 is pinned"),
        ("one[more]", "one[more] requires two, which is not pinned"),
        ("two ; platform_machine == 'aarch64'", "small.in requires two"),
    ],
)
def test_lock_older_than_its_inputs(wheels: WheelFolder, wanted: str, said: str) -> None:
    wheels.add("one==1.0", requires=["two ; extra == 'more'"])
    wheels.write_lock("one")
    wheels.lock.with_suffix(".in").write_text(wanted)
    fails(wheels, LockError, str(wheels.lock), "older than its inputs", said, "make lock")


def test_inputs_that_do_not_count_on_the_target_make_no_lock_old(wheels: WheelFolder) -> None:
    wheels.add("one==1.0", requires=["three ; sys_platform == 'win32'"])
    wheels.write_lock("one", "two ; sys_platform == 'darwin'")
    assert build(wheels).path.exists()


def test_times_of_files_make_no_lock_old(wheels: WheelFolder) -> None:
    """In a fresh clone they mean nothing."""
    wheels.add("one==1.0")
    wheels.write_lock("one")
    os.utime(wheels.lock, (0, 0))
    assert build(wheels).path.exists()


def test_two_versions_for_one_target(wheels: WheelFolder) -> None:
    wheels.add("one==1.0")
    wheels.add("one==2.0")
    wheels.write_lock("one")
    fails(wheels, LockError, "both one==1.0 and one==2.0", "make lock")


def test_damaged_wheel_without_network(wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The damaged file is gone afterwards, so that the next build with network heals it."""
    wheels.add("one==1.0")
    wheels.write_lock("one")
    first = build(wheels)
    first.path.unlink()
    wheel = next(wheels.cache.glob("*.whl"))
    wheel.write_bytes(b"damaged")
    with monkeypatch.context() as patch:
        patch.setattr(pip, "download", lambda *_: (_ for _ in ()).throw(NoNetworkError("no network")))
        fails(wheels, NoNetworkError)
    assert not wheel.exists()
    assert build(wheels) == first


def test_disk_full_while_the_zip_is_written(wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")

    def fill(_members: object, out: object) -> str:
        out.write(b"half a zip")  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(store, "write", fill)
        fails(wheels, StorageError, "disk is full", str(wheels.output), "MB are free", "no partial file")
    assert list(wheels.output.iterdir()) == []
    assert build(wheels).path.exists()


def test_disk_full_while_a_wheel_is_cached(wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")

    def refuse(_path: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        fails(wheels, StorageError, "disk is full", "one-1.0-py3-none-any.whl")
    assert not list(wheels.cache.glob("*.whl"))
    assert build(wheels).path.exists()


def test_disk_full_in_pip(tmp_path: Path) -> None:
    output = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n"
    error = pip.diagnosis(output, "", [], ARM, tmp_path)
    assert isinstance(error, StorageError)
    assert "disk is full" in str(error)


def test_pip_missing(tmp_path: Path) -> None:
    error = pip.diagnosis("/x/python: No module named pip\n", "", [], ARM, tmp_path)
    assert type(error) is WheelError
    assert "ensurepip" in str(error)


def test_an_unknown_complaint_of_pip_is_passed_on(tmp_path: Path) -> None:
    error = pip.diagnosis("Looking\nERROR: the moon is in the wrong phase\n", "", [], ARM, tmp_path)
    assert "the moon is in the wrong phase" in str(error)


def test_folder_that_cannot_be_written(wheels: WheelFolder) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    wheels.output.write_text("a file where the folder should be")
    fails(wheels, StorageError, str(wheels.output), "cannot be written", "writable")


def test_cache_that_cannot_be_written(wheels: WheelFolder) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    wheels.cache.write_text("a file where the folder should be")
    fails(wheels, StorageError, str(wheels.cache), "cannot be written", "writable")


def test_more_than_aws_unpacks_names_the_three_largest(
    wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count, name in enumerate(("tiny", "small", "large", "huge")):
        wheels.add(f"{name}==1.0", {f"{name}/data.txt": "x" * 2**20 * count})
    wheels.write_lock("tiny", "small", "large", "huge")
    monkeypatch.setattr(store, "UNZIPPED_LIMIT", 5 * 2**20)
    message = fails(
        wheels, TooLargeError, "6.0 MB unzipped", "5.0 MB", "huge==1.0 3.0 MB, large==1.0 2.0 MB, small"
    )
    assert "tiny" not in message
    assert not wheels.output.exists()


def test_code_and_layers_are_weighed_together(tmp_path: Path) -> None:
    code, layer = (Package(name, tmp_path, 1, "", 130 * 2**20) for name in ("code", "layer"))
    check_fits("process-image", [code])
    with pytest.raises(TooLargeError, match=r"process-image with its layers has 260\.0 MB.*code 130\.0 MB"):
        check_fits("process-image", [code, layer])


def test_more_than_aws_takes_at_once(wheels: WheelFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    wheels.add("one==1.0", {"one/data.bin": os.urandom(2**20)})
    wheels.write_lock("one")
    monkeypatch.setattr(store, "UPLOAD_LIMIT", 2**20)
    fails(wheels, TooLargeError, "small-layer", "1.0 MB zipped", "make lock")
    assert list(wheels.output.iterdir()) == []


def test_two_wheels_with_one_file_of_different_contents(wheels: WheelFolder) -> None:
    wheels.add("one==1.0", {"shared.py": "x = 1"})
    wheels.add("two==1.0", {"shared.py": "x = 2"})
    wheels.write_lock("one", "two")
    fails(wheels, WheelError, "one-1.0", "two-1.0", "python/shared.py", "make lock")


def test_two_wheels_may_bring_the_same_file(wheels: WheelFolder) -> None:
    wheels.add("one==1.0", {"shared/__init__.py": ""})
    wheels.add("two==1.0", {"shared/__init__.py": ""})
    wheels.write_lock("one", "two")
    with zipfile.ZipFile(build(wheels).path) as layer:
        assert layer.namelist().count("python/shared/__init__.py") == 1


OUTWARD = ["../evil.py", "/etc/passwd", "one/../../evil.py", "C:/evil.py"]
if os.sep == "/":  # on Windows zipfile itself turns it into a slash, on both sides
    OUTWARD.append("one\\evil.py")


@pytest.mark.parametrize("path", OUTWARD)
def test_a_path_outside_of_the_package_is_refused(wheels: WheelFolder, path: str) -> None:
    wheels.add("one==1.0", {path: "x = 1"})
    wheels.write_lock("one")
    fails(wheels, WheelError, "one-1.0-py3-none-any.whl", "outside of the package")


def test_a_wheel_that_is_no_zip() -> None:
    with pytest.raises(WheelError, match=r"one\.whl is not a readable zip"):
        archive.read(b"PK nonsense", "one.whl")


@pytest.mark.parametrize(("runtime", "architecture"), [("python3.12", "arm64"), ("python3.13", "riscv64")])
def test_unknown_targets_name_what_is_allowed(runtime: str, architecture: str) -> None:
    with pytest.raises(TargetError, match=r"allowed: (python3\.13, python3\.14|arm64, x86_64)"):
        Target(runtime, architecture)


def test_packages_are_for_aws_unless_the_environment_says_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDIA_PIPELINE_PACKAGES_FOR", raising=False)
    assert Target.chosen("python3.14", "x86_64") == Target("python3.14", "x86_64")
    monkeypatch.setenv("MEDIA_PIPELINE_PACKAGES_FOR", "host")
    chosen = Target.chosen("python3.14", "x86_64")
    assert chosen.is_host
    assert chosen.runtime == f"python{sys.version_info.major}.{sys.version_info.minor}"
    monkeypatch.setenv("MEDIA_PIPELINE_PACKAGES_FOR", "moon")
    with pytest.raises(TargetError, match="'moon'; allowed: aws"):
        Target.chosen("python3.14", "x86_64")


def test_a_read_lock_counts_its_line_ends_as_lf(wheels: WheelFolder) -> None:
    wheels.add("one==1.0")
    wheels.write_lock("one")
    before = Lock.read(wheels.lock).content
    wheels.lock.write_bytes(wheels.lock.read_bytes().replace(b"\n", b"\r\n"))
    assert Lock.read(wheels.lock).content == before
