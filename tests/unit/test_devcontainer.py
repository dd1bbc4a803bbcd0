"""The development container sets up what `make demo` needs, and shows what it wrote."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def container() -> dict[str, Any]:
    text = (PROJECT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    described: dict[str, Any] = json.loads(re.sub(r"(?m)^\s*//.*$", "", text))
    return described


def test_it_sets_up_by_a_target_of_the_makefile(container: dict[str, Any]) -> None:
    command, target = container["postCreateCommand"].split()
    assert command == "make"
    assert re.search(rf"(?m)^{target}:", (PROJECT / "Makefile").read_text("utf-8"))


def test_the_port_at_which_the_demos_report_is_shown_is_forwarded(container: dict[str, Any]) -> None:
    (port,) = container["forwardPorts"]
    assert f"http.server {port} --bind 127.0.0.1 --directory build" in container["postAttachCommand"]
    assert str(port) in container["portsAttributes"]


def test_its_python_is_the_functions_runtime(container: dict[str, Any]) -> None:
    version = re.match(r"python:(3\.\d+)-", container["image"])
    assert version, container["image"]
    declared = (PROJECT / "Pulumi.yaml").read_text("utf-8")
    assert f"default: python{version[1]}" in declared, "the packages that it builds would hold no bytecode"
