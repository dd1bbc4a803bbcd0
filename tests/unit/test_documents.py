"""What the documents say exists: their links, the paths, commands and keys that they name, the lists that they give."""

import configparser
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel

from components.config_model import StackKeys
from media_pipeline import __version__
from media_pipeline.records.record import Status

PROJECT = Path(__file__).parents[2]
NOT_OURS = frozenset({".git", ".venv", "build", "node_modules", ".pytest_cache", ".hypothesis"})
SUFFIXES = frozenset({".py", ".md", ".yaml", ".yml", ".toml", ".json", ".sh", ".in", ".txt", ".svg", ".png"})
PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)*/?")
MAKE = re.compile(
    r"(?:^|\$ |&& )make (?P<target>[a-z][a-z-]*)(?P<variables>(?: \[?[A-Z_]+=\S*)*)", re.MULTILINE
)
KEY = re.compile(r"(?P<group>[a-z]+)\.(?P<name>[a-zA-Z]+)")
README_LINES = 160


@dataclass(frozen=True)
class Document:
    """One Markdown file of the repository."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(PROJECT).as_posix()

    def tokens(self) -> Iterator[Token]:
        """Yield every token, those inside of paragraphs, headings and cells included."""
        for token in _parsed(self.path):
            yield token
            yield from token.children or ()

    def links(self) -> Iterator[str]:
        """Yield the targets of links and images that stay inside of the repository."""
        for token in self.tokens():
            target = str(token.attrs.get("href") or token.attrs.get("src") or "")
            if target and not re.match(r"[a-z]+:", target):
                yield target

    def linked(self) -> Iterator[Path]:
        """Yield the files that it links to."""
        for target in self.links():
            file, _, _ = target.partition("#")
            if file:
                yield (self.path.parent / file).resolve()

    def anchors(self) -> frozenset[str]:
        """Return the anchors of the headings, as GitHub makes them."""
        seen: Counter[str] = Counter()
        anchors = set()
        tokens = _parsed(self.path)
        for opening, inline in pairwise(tokens):
            if opening.type == "heading_open":
                text = "".join(child.content for child in inline.children or ())
                slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
                anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
                seen[slug] += 1
        return frozenset(anchors)

    def inline_code(self) -> Iterator[str]:
        """Yield what stands in backticks."""
        return (token.content for token in self.tokens() if token.type == "code_inline")

    def code(self) -> Iterator[str]:
        """Yield all code, in lines and in blocks."""
        return (
            token.content for token in self.tokens() if token.type in ("code_inline", "fence", "code_block")
        )

    def rows(self, heading: str) -> list[list[str]]:
        """Return the cells of the first table below a heading, as they are written, without its head."""
        text = self.path.read_text("utf-8")
        chapter = re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
        lines = [line for line in chapter.splitlines() if line.startswith("|")]
        assert lines, f"{self.name} has no table below {heading!r}"
        return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def _parsed(path: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(path.read_text("utf-8"))


def _files(folder: Path = PROJECT) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in NOT_OURS or entry.name.endswith((".egg-info", "_cache")):
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        elif entry.is_file():
            yield entry


FILES = sorted(_files())
DOCUMENTS = [Document(path) for path in FILES if path.suffix == ".md"]
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)


def test_there_are_documents_for_each_reader() -> None:
    names = {document.name for document in DOCUMENTS}
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/README.md"} <= names
    for reader in ("operator", "application", "maintainer", "adr"):
        assert sum(name.startswith(f"docs/{reader}/") for name in names) >= 4, reader


def test_the_readme_is_short() -> None:
    assert (PROJECT / "README.md").read_text("utf-8").count("\n") <= README_LINES


@each_document
def test_every_relative_link_leads_somewhere(document: Document) -> None:
    for target in document.links():
        file, _, anchor = target.partition("#")
        path = (document.path.parent / file).resolve() if file else document.path
        assert path.exists(), f"{document.name} links to {target}"
        assert path.is_relative_to(PROJECT), f"{document.name} links out of the repository: {target}"
        if anchor:
            assert anchor in Document(path).anchors(), f"{document.name} links to {target}"


def test_every_document_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    open_ends = [PROJECT / "README.md"]
    while open_ends:
        path = open_ends.pop()
        if path.suffix == ".md" and path not in reached:
            reached.add(path)
            open_ends += Document(path).linked()
    missed = {document.name for document in DOCUMENTS if document.path not in reached}
    assert {name for name in missed if not name.startswith(".github/")} == set()


@each_document
def test_every_path_in_backticks_exists(document: Document) -> None:
    if document.name == "CHANGELOG.md":
        return  # tells of files that were, too
    missing = [code for code in document.inline_code() if not _exists(code)]
    assert missing == [], document.name


def _exists(code: str) -> bool:
    """Tell whether `code` is there, or does not look like a file or folder of this repository."""
    if not PATH.fullmatch(code):
        return True
    first, slash, _ = code.partition("/")
    if slash:
        known = (PROJECT / first).is_dir() and first not in NOT_OURS
        return not known or any(PROJECT.glob(code.rstrip("/")))
    suffix = Path(code).suffix
    return suffix not in SUFFIXES or code == suffix or any(path.match(code) for path in FILES)


@each_document
def test_every_make_target_exists_and_knows_its_variables(document: Document) -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    words = set(re.findall(r"[A-Z_]+", makefile))
    for command in (found for code in document.code() for found in MAKE.finditer(code)):
        assert command["target"] in targets, f"{document.name}: {command[0]}"
        given = re.findall(r"([A-Z_]+)=", command["variables"])
        assert set(given) <= words, f"{document.name}: {command[0]}"


def groups() -> dict[str, frozenset[str]]:
    """Return the keys inside of each configuration key; none for plain values and for objects with free names."""
    found = {}
    for name, field in StackKeys.model_fields.items():
        models = [each for each in _types(field.annotation) if issubclass(each, BaseModel)]
        keys = models[0].model_fields.items() if len(models) == 1 and name != "sizes" else ()
        found[field.alias or name] = frozenset(inner.alias or key for key, inner in keys)
    return found


def _types(annotation: Any) -> Iterable[type]:
    if isinstance(annotation, type):
        return [annotation]
    return [found for argument in get_args(annotation) for found in _types(argument)]


def test_every_configuration_key_is_documented_with_the_keys_inside_of_it() -> None:
    schema = yaml.safe_load((PROJECT / "Pulumi.yaml").read_text("utf-8"))
    guide = Document(PROJECT / "docs" / "operator" / "configuration.md")
    rows = {row[0].strip("`"): " ".join(row[1:]) for row in guide.rows("Keys")}
    assert list(rows) == list(schema["config"])
    reference = {
        code
        for path in (PROJECT / "docs" / "reference").glob("*.md")
        for code in Document(path).inline_code()
    }
    for group, keys in groups().items():
        missing = {key for key in keys if f"`{key}`" not in rows[group] and f"{group}.{key}" not in reference}
        assert missing == set(), group


@each_document
def test_every_configuration_key_that_a_document_names_exists(document: Document) -> None:
    known = groups()
    for code in document.inline_code():
        found = KEY.fullmatch(code)
        if found and known.get(found["group"]):
            assert found["name"] in known[found["group"]], f"{document.name}: {code}"


def test_the_readme_explains_every_outcome() -> None:
    rows = Document(PROJECT / "README.md").rows("How it works")
    assert {row[0].strip("`") for row in rows} == {status.value for status in Status if status.terminal}


def test_layers_are_documented_as_the_contracts_have_them() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(PROJECT / ".importlinter")
    lines = contracts["importlinter:contract:layers"]["layers"].split("\n")
    layers = [re.findall(r"\w+", line) for line in lines if line.strip()]
    rows = Document(PROJECT / "docs" / "maintainer" / "layers.md").rows("Inside the functions")
    assert [sorted(re.findall(r"`(\w+)`", row[1])) for row in rows] == [sorted(layer) for layer in layers]


def test_hooks_run_what_make_check_runs() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [repository["repo"] for repository in hooks] == ["local"]  # nothing is downloaded
    entries = " ".join(hook["entry"] for hook in hooks[0]["hooks"])
    recipe = re.search(r"^check: .*\n((?:\t.*\n)+)", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe is not None
    tools = re.findall(r"ruff \w+|mypy|lint-imports", recipe[1])
    assert len(tools) >= 3
    assert [tool for tool in tools if tool not in entries] == []


def test_the_changelog_begins_with_the_version_of_the_code() -> None:
    versions = re.findall(r"^## \[([\d.]+)\]", (PROJECT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    pyproject = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
    assert versions[0] == __version__
    assert pyproject["project"]["dynamic"] == ["version"], "it is in one place"
    assert versions == sorted(versions, key=lambda version: tuple(map(int, version.split("."))), reverse=True)


def test_the_changelog_says_what_an_operator_must_do_for_each_version() -> None:
    _, *chapters = re.split(r"^## ", (PROJECT / "CHANGELOG.md").read_text("utf-8"), flags=re.MULTILINE)
    assert len(chapters) >= 2
    for chapter in chapters:
        assert "\n### What an operator must do\n" in chapter, chapter.partition("\n")[0]


def test_the_guides_name_as_many_places_as_their_list_says() -> None:
    folder = PROJECT / "docs" / "maintainer" / "how-to"
    listed = re.findall(
        r"^\| \[.*?\]\((.*?)\) \| (\d+) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert {name for name, _ in listed} == {path.name for path in folder.glob("add-*.md")}
    for name, places in listed:
        text = (folder / name).read_text("utf-8")
        numbers = [int(number) for number in re.findall(r"^\| (\d+)\. ", text, re.MULTILINE)] or [1]
        assert numbers == list(range(1, int(places) + 1)), name


def test_what_the_guides_say_is_in_a_file_is_there() -> None:
    folder = PROJECT / "docs" / "maintainer" / "how-to"
    found = {
        (guide.name, path, name): name in (PROJECT / path).read_text("utf-8")
        for guide in sorted(folder.glob("add-*.md"))
        for row in re.findall(r"^\| \d+\. .*$", guide.read_text("utf-8"), re.MULTILINE)
        for path in re.findall(r"`([\w/]+\.\w+)`", row.split("|")[1])
        for name in re.findall(r"\bin `([A-Za-z_]\w+)`", row.split("|")[2])
    }
    assert len(found) >= 8
    assert [place for place, is_there in found.items() if not is_there] == []
