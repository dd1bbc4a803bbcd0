"""Eight builds of one package at once, from a cold cache."""

import json
import subprocess
import sys
import zipfile

import pytest

from components.packaging.store import PROJECT
from tests.unit.packaging.wheel_index import WheelFolder

BUILDS = 8
PROGRAM = """
import json, sys, pathlib
from components.packaging import Target, build_layer
lock, output, cache = map(pathlib.Path, sys.argv[1:])
package = build_layer(lock, Target("python3.13", "arm64"), output=output, cache=cache)
print(json.dumps([package.path.name, package.bytes, package.sha256]))
"""


@pytest.mark.long
def test_eight_builds_at_once_agree_and_leave_one_whole_package(pip_wheels: WheelFolder) -> None:
    for name in ("one", "two"):
        pip_wheels.add(f"{name}==1.0", {f"{name}/data.bin": bytes(2**20)})
    pip_wheels.write_lock("one", "two")
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        *map(str, (pip_wheels.lock, pip_wheels.output, pip_wheels.cache)),
    ]
    builds = [
        subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(BUILDS)
    ]
    answers = [build.communicate(timeout=120) for build in builds]
    assert [error for _, error in answers if error] == []
    assert len({output for output, _ in answers}) == 1
    name, size, _ = json.loads(answers[0][0])
    assert sorted(path.name for path in pip_wheels.output.iterdir()) == [name.replace(".zip", ".json"), name]
    assert (pip_wheels.output / name).stat().st_size == size
    with zipfile.ZipFile(pip_wheels.output / name) as archive:
        assert archive.testzip() is None
    assert pip_wheels.leftovers() == []
    assert len(list(pip_wheels.cache.glob("*.whl"))) == 2
