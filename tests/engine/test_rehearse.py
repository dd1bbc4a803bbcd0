"""`make rehearse` as a command: what it prints, what it does not touch, and that it removes its files."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local.rehearse.session import Rehearsal
from tests.engine.operator_session import PROJECT

PROMPT = b"[rehearsal dev] $ "


def _rehearse(command: str, tmp: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local.rehearse", f"--command={command}"],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(tmp), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_command_is_rehearsed_on_copies_and_all_of_it_is_removed(tmp_path: Path) -> None:
    files = {path: path.read_bytes() for path in PROJECT.glob("Pulumi*.yaml")}
    ran = _rehearse("pulumi config set grayscale true && cat Pulumi.dev.yaml && exit 7", tmp_path)
    assert ran.returncode == 7
    assert "media-pipeline:grayscale" in ran.stdout
    assert "It is not  AWS" in ran.stdout
    assert {path: path.read_bytes() for path in PROJECT.glob("Pulumi*.yaml")} == files
    assert list(tmp_path.glob("rehearsal-*")) == []


def test_no_credentials_and_no_backend_of_the_operator_reach_a_rehearsal(tmp_path: Path) -> None:
    own = {
        "AWS_PROFILE": "production",
        "AWS_SECRET_ACCESS_KEY": "the-operators-own",
        "PULUMI_ACCESS_TOKEN": "the-operators-own",
        "PULUMI_STACK": "prod",
    }
    ran = _rehearse("env && pulumi whoami --verbose && pulumi stack ls", tmp_path, **own)
    assert ran.returncode == 0, ran.stderr
    assert "the-operators-own" not in ran.stdout
    assert "AWS_PROFILE" not in ran.stdout
    assert "PULUMI_BACKEND_URL=file://" in ran.stdout
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:" in ran.stdout


def test_an_unknown_stack_is_an_error_that_lists_the_stacks(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "local.rehearse", "--stack=staging"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert "There are: dev, prod." in ran.stderr


@pytest.mark.skipif(os.name == "nt", reason="a terminal of the other kind")
def test_the_shell_takes_plain_commands_and_ctrl_c(tmp_path: Path) -> None:
    import pty

    leader, terminal = pty.openpty()
    shell = subprocess.Popen(
        [sys.executable, "-m", "local.rehearse"],
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: _take_terminal(terminal),
    )
    os.close(terminal)
    said = _read_until(leader, PROMPT)
    os.write(leader, b"sh -c 'echo asleep; exec sleep 30'\n")
    said += _read_until(leader, b"asleep\r\n")  # the output, not the echo of the command
    os.write(leader, b"\x03")
    said += _read_until(leader, PROMPT)
    os.write(leader, b"pulumi stack ls --json; exit 3\n")
    said += _read_until(leader, None)
    os.close(leader)
    assert shell.wait(timeout=30) == 3
    assert b'"name": "dev"' in said
    assert b"The rehearsal is over" in said
    assert list(tmp_path.glob("rehearsal-*")) == []


def _take_terminal(terminal: int) -> None:
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _read_until(leader: int, wanted: bytes | None) -> bytes:
    said = b""
    deadline = time.monotonic() + 30
    while wanted is None or wanted not in said:
        assert time.monotonic() < deadline, said
        if not select.select([leader], [], [], 0.1)[0]:
            continue
        try:
            some = os.read(leader, 4096)
        except OSError:  # Linux raises it when the other end is closed
            break
        if not some:
            break
        said += some
    return said


def test_secrets_of_the_operators_own_stack_are_left_out_and_reported(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text((PROJECT / "Pulumi.yaml").read_text())
    sealed = "encryptionsalt: v1:abc\n" + (PROJECT / "Pulumi.dev.yaml").read_text()
    (project / "Pulumi.dev.yaml").write_text(sealed + "  media-pipeline:token:\n    secure: v1:xyz\n")
    with Rehearsal("dev", project=project) as rehearsal:
        assert rehearsal.copied.secrets == ("media-pipeline:token",)
        assert "v1:abc" not in (rehearsal.folder / "Pulumi.dev.yaml").read_text()
