"""Components look alike: who has read one can predict the next. Held over the sources themselves."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.recording import PROJECT

FILES = sorted(PROJECT.joinpath("components").glob("*.py"))


def classes(base: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and any(ast.unparse(each) == base for each in node.bases):
                yield file.name, node


COMPONENTS = [
    pytest.param(node, id=f"{name}:{node.name}") for name, node in classes("pulumi.ComponentResource")
]


def constructor(node: ast.ClassDef) -> ast.FunctionDef:
    return next(each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__")


PURE = {
    "DashboardNames",
    "dashboard_body",
    "json.dumps",
    "min",
    "hashlib.sha256",
    "hashlib.sha256(pool_id.encode()).hexdigest",
    "pool_id.encode",
    "service.values",
}
"""Calls that make a value, and no resource."""


def test_there_are_components_to_look_at() -> None:
    assert len(COMPONENTS) >= 6


RENAMED = {
    "OutcomeSubscriber": "OutcomeLog"
}  # a type token is part of URNs, which stay when a class is renamed


@pytest.mark.parametrize("node", COMPONENTS)
def test_a_component_takes_name_args_and_opts(node: ast.ClassDef) -> None:
    arguments = constructor(node).args
    assert [argument.arg for argument in arguments.args] == ["self", "name", "args", "opts"]
    assert arguments.args[2].annotation is not None
    assert ast.unparse(arguments.args[2].annotation) == f"{node.name}Args"


@pytest.mark.parametrize("node", COMPONENTS)
def test_a_component_registers_itself_first_and_its_outputs_last(node: ast.ClassDef) -> None:
    body = constructor(node).body
    token = RENAMED.get(node.name, node.name)
    assert ast.unparse(body[0]) == f"super().__init__(component_type('{token}'), name, {{}}, opts)"
    assert ast.unparse(body[-1]).startswith("self.register_outputs(")


@pytest.mark.parametrize("node", COMPONENTS)
def test_a_component_hands_its_callers_options_to_nobody_else(node: ast.ClassDef) -> None:
    uses = [each for each in ast.walk(node) if isinstance(each, ast.Name) and each.id == "opts"]
    assert len(uses) == 1


def test_args_are_frozen_and_keyword_only() -> None:
    found = 0
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name.endswith("Args"):
                found += 1
                decorators = [ast.unparse(each) for each in node.decorator_list]
                assert decorators == ["dataclass(frozen=True, kw_only=True)"], f"{file.name}: {node.name}"
    assert found >= 7


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_resource_is_made_inside_apply(file: Path) -> None:
    """What runs later is a function of the module that makes values only: a preview would not see a resource."""
    tree = ast.parse(file.read_text("utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "apply"):
            continue
        (applied,) = call.args
        assert isinstance(applied, ast.Name), ast.unparse(call)
        made = {
            ast.unparse(node.func) for node in ast.walk(functions[applied.id]) if isinstance(node, ast.Call)
        }
        assert {name for name in made - PURE if not name.endswith("Args")} == set(), ast.unparse(call)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_modules_stay_readable(file: object) -> None:
    text = (PROJECT / "components" / getattr(file, "name", "")).read_text("utf-8")
    assert text.count("\n") <= 400
