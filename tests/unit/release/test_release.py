"""A release is the same bytes from every checkout, and of one version that tag, code and changelog agree about."""

import hashlib
import os
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from components.packaging import Package
from media_pipeline import __version__
from scripts.release import __main__ as release
from scripts.release import changelog, source
from scripts.release.changelog import Chapter
from scripts.release.errors import ReleaseError

PROJECT = Path(__file__).parents[3]
RELEASED = Chapter("1.2.3", "2026-01-31", "Read this first.\n")
Build = Callable[[Path, str], dict[str, bytes]]


def git(folder: Path, *arguments: str) -> None:
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    subprocess.run(command, check=True, capture_output=True, env=os.environ | own)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a repository of three files: a text, a program, and one with Windows line ends."""
    folder = tmp_path / "first"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / "LICENSE").write_text("Do as you like.\n", "utf-8")
    (folder / "run.sh").write_text("#!/bin/sh\n", "utf-8")
    (folder / "run.sh").chmod(0o755)
    (folder / "dos.txt").write_bytes(b"a\r\nb\r\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "One")
    return folder


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Build:
    """Build a release with one small package in place of the real ones."""
    path = tmp_path / "code-0123.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.py", "A = 1\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(release, "packages", lambda: [Package("code", path, path.stat().st_size, digest, 6)])

    def run(root: Path, name: str) -> dict[str, bytes]:
        made = release.build(root, "1.2.3", RELEASED, tmp_path / name)
        return {each.name: each.read_bytes() for each in made}

    return run


def test_two_checkouts_of_a_commit_make_the_same_bytes(checkout: Path, build: Build, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(checkout), "second")
    second = tmp_path / "second"
    for path in second.glob("*"):
        os.utime(path, (0, 0)) if path.is_file() else None
    git(second, "config", "core.autocrlf", "true")
    assert build(checkout, "out-1") == build(second, "out-2")


def test_the_archive_has_every_file_below_one_folder_and_programs_can_be_run(
    checkout: Path, build: Build
) -> None:
    build(checkout, "out")
    with zipfile.ZipFile(checkout.parent / "out" / "media-pipeline-1.2.3.zip") as archive:
        modes = {each.filename: each.external_attr >> 16 & 0o777 for each in archive.infolist()}
        assert archive.read("media-pipeline-1.2.3/dos.txt") == b"a\r\nb\r\n"
    assert modes == {
        "media-pipeline-1.2.3/LICENSE": 0o644,
        "media-pipeline-1.2.3/dos.txt": 0o644,
        "media-pipeline-1.2.3/run.sh": 0o755,
    }


def test_checksums_are_of_every_other_file(checkout: Path, build: Build) -> None:
    made = build(checkout, "out")
    lines = [line.split("  ") for line in made.pop("SHA256SUMS").decode().splitlines()]
    listed = {name: digest for digest, name in lines}
    assert listed == {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    assert {"code-0123.zip", "code-0123.cdx.json", "code-0123.NOTICE.txt", "RELEASE-NOTES.md"} <= set(listed)


def test_what_an_earlier_build_left_is_not_part_of_it(checkout: Path, build: Build) -> None:
    (checkout.parent / "out").mkdir()
    (checkout.parent / "out" / "stale.zip").write_bytes(b"")
    assert "stale.zip" not in build(checkout, "out")


@pytest.mark.parametrize("change", ["changed", "new"])
def test_files_that_are_not_of_the_commit_are_refused(checkout: Path, change: str) -> None:
    source.check_clean(checkout)
    (checkout / ("LICENSE" if change == "changed" else "new.py")).write_text("other", "utf-8")
    with pytest.raises(ReleaseError, match="1 files differ from the commit"):
        source.check_clean(checkout)


def test_a_link_is_refused(checkout: Path) -> None:
    (checkout / "link").symlink_to("LICENSE")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", "Two")
    with pytest.raises(ReleaseError, match="link is a link"):
        source.members(checkout, "HEAD", "p")


def test_a_folder_that_is_not_a_checkout_is_refused_with_gits_reason(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="not a git repository"):
        source.check_clean(tmp_path)


def test_a_tag_of_the_version_with_a_date_is_taken() -> None:
    release.check_tag("v1.2.3", RELEASED)


@pytest.mark.parametrize(
    ("tag", "chapter", "says"),
    [
        ("v1.2.4", RELEASED, r"Tag it v1\.2\.3"),
        ("1.2.3", RELEASED, r"Tag it v1\.2\.3"),
        ("v1.2.3", Chapter("1.2.3", None, ""), "Give it its date"),
    ],
)
def test_a_tag_that_disagrees_is_refused(tag: str, chapter: Chapter, says: str) -> None:
    with pytest.raises(ReleaseError, match=says):
        release.check_tag(tag, chapter)


def test_a_version_without_a_chapter_is_refused() -> None:
    with pytest.raises(ReleaseError, match=r"no chapter about 9\.9\.9"):
        changelog.chapter(PROJECT / "CHANGELOG.md", "9.9.9")


def test_a_heading_that_nobody_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text("# Changelog\n\n## Next\n", "utf-8")
    with pytest.raises(ReleaseError, match="has the heading 'Next'"):
        changelog.chapters(path)


def test_every_released_version_has_a_state_that_upgrades_are_tested_from() -> None:
    released = {each.version for each in changelog.chapters(PROJECT / "CHANGELOG.md") if each.date}
    kept = {path.stem for path in (PROJECT / "tests" / "engine" / "fixtures").glob("*.json")}
    assert released, "0.1.0 is released"
    assert released - kept == set(), "docs/maintainer/releasing.md says how to keep one"


def test_the_changelog_has_a_chapter_about_this_version() -> None:
    assert "What an operator must do" in changelog.chapter(PROJECT / "CHANGELOG.md", __version__).text
