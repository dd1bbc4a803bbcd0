"""Every problem comes with a command that fixes it; the commands are carried out here."""

import re
import shlex
from typing import Any

import yaml

from tests.components.config_parsing import Raw, parse, problems, put


def test_every_fault_of_a_thoroughly_wrong_configuration_has_a_command(raw: Raw) -> None:
    for key in list(raw):
        raw[key] = "nonsense"
    found = problems(raw)
    assert set(found) == set(raw)
    for problem in found.values():
        for command in problem.fix.split(" && "):
            assert shlex.split(command)[:2] == ["pulumi", "config"]
            assert shlex.split(command)[2] in ("set", "rm")


def test_following_the_commands_fixes_the_configuration(raw: Raw) -> None:
    raw["memroy"] = {"image": 512}
    put(raw, "sizes.large", "big")
    put(raw, "sizes.card", {"width": 400, "fit": "contain"})
    put(raw, "sizes.B A", 5)
    put(raw, "memory.image", 64)
    put(raw, "limits", 5)
    put(raw, "retention.logs", 31)
    raw["moderation"] = {
        "mode": "enforce",
        "block": {"Nudity": 60, "Weapons": 101},
        "review": {"Suggestive": 5},
    }
    put(raw, "notify.alerts", ["ops@example.com", "OPS@example.com"])
    for problem in problems(raw).values():
        for command in problem.fix.split(" && "):
            _carry_out(raw, shlex.split(command)[2:])
    parse(raw)


def _carry_out(raw: Raw, arguments: list[str]) -> None:
    """`pulumi config set|rm --path`, for the plain paths that these tests meet."""
    verb, flag, path, *value = arguments
    assert flag == "--path"
    *groups, last = re.findall(r"[^.\[\]]+", path)
    target: Any = raw
    for group in groups:
        target = target.setdefault(group, {})
    key: Any = int(last) if isinstance(target, list) else last
    if verb == "rm":
        del target[key]
    else:
        target[key] = yaml.safe_load(value[0])
