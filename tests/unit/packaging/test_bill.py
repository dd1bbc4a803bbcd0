"""The bill of materials and the notice beside a package say what is in it, as its wheels say themselves."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from components.packaging import Package, Target, archive, bill, build_code, build_layer, version
from components.packaging.stack import IMAGE_LOCK
from tests.unit.packaging.cyclonedx_schema import problems
from tests.unit.packaging.wheel_index import WheelFolder

TARGET = Target("python3.13", "arm64")
LIBRARY = "one.libs/libother-1234.so.1"
OWN_BILL = {
    "components": [
        {"type": "library", "name": "One", "version": "1.0"},
        {
            "type": "library",
            "bom-ref": "other",
            "name": "libother",
            "version": "3.1",
            "purl": "pkg:generic/other@3.1",
        },
    ]
}
FILES = {
    "one-1.0.dist-info/licenses/LICENSE.txt": "Take it, and keep these words.",
    "one-1.0.dist-info/sboms/auditwheel.cdx.json": json.dumps(OWN_BILL),
    LIBRARY: "x" * 1234,
}
Layer = tuple[Package, bill.Papers]


@pytest.fixture
def layer(wheels: WheelFolder) -> Layer:
    """Build a layer of two wheels, of which one needs the other and bundles a library, and its papers."""
    needs = {"License-Expression": "MIT AND BSD-3-Clause", "Requires-Dist": "two"}
    wheels.add("one==1.0", FILES, metadata=needs)
    wheels.add("two==2.0", {}, metadata={"License": "Two's own"})
    wheels.write_lock("one", "two")
    built = build_layer(wheels.lock, TARGET, output=wheels.output, cache=wheels.cache)
    return built, bill.write(built, "0.2.0", "The project's own words.")


def read(papers: bill.Papers) -> Any:
    return json.loads(papers.bill.read_text("utf-8"))


def test_bill_follows_the_schema_of_cyclonedx(layer: Layer) -> None:
    assert problems(read(layer[1])) == []


def test_schema_refuses_what_is_not_a_bill(layer: Layer) -> None:
    assert problems({**read(layer[1]), "specVersion": 7}) != []


def test_bill_of_the_image_layer_follows_the_schema_and_lists_what_pillow_bundles(tmp_path: Path) -> None:
    built = build_layer(IMAGE_LOCK, Target.host())
    members = archive.read(built.path.read_bytes(), built.path.name)
    found = bill.of(built, members, version.read())
    assert problems(found) == []
    (pillow,) = (each for each in found["components"] if each["purl"].startswith("pkg:pypi/pillow@"))
    assert any("libjpeg" in each["name"] for each in pillow["components"])


def test_each_package_has_its_licence_and_what_it_needs(layer: Layer) -> None:
    found = read(layer[1])
    one, two = found["components"]
    assert (one["purl"], one["licenses"]) == ("pkg:pypi/one@1.0", [{"expression": "MIT AND BSD-3-Clause"}])
    assert (two["purl"], two["licenses"]) == ("pkg:pypi/two@2.0", [{"license": {"name": "Two's own"}}])
    needs = {each["ref"]: each["dependsOn"] for each in found["dependencies"]}
    assert needs["pkg:pypi/one@1.0"] == ["pkg:pypi/two@2.0"]


def test_what_a_wheel_bundles_is_listed_from_its_own_bill_and_with_the_hash_of_each_file(
    layer: Layer,
) -> None:
    library, file = read(layer[1])["components"][0]["components"]
    assert (library["name"], library["version"]) == ("libother", "3.1")
    assert file["name"] == f"python/{LIBRARY}"
    assert file["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"x" * 1234).hexdigest()}]


def test_bill_is_of_this_very_zip(layer: Layer) -> None:
    package, papers = layer
    about = read(papers)["metadata"]["component"]
    assert about["hashes"] == [
        {"alg": "SHA-256", "content": hashlib.sha256(package.path.read_bytes()).hexdigest()}
    ]
    assert about["version"] == "0.2.0"
    assert {papers.bill.parent, papers.notice.parent} == {package.path.parent}


def test_the_same_package_has_the_same_papers_byte_for_byte(layer: Layer) -> None:
    package, papers = layer
    before = papers.bill.read_bytes(), papers.notice.read_bytes()
    bill.write(package, "0.2.0", "The project's own words.")
    assert (papers.bill.read_bytes(), papers.notice.read_bytes()) == before


def test_notice_of_the_code_is_the_projects_own_licence(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("A = 1\n", "utf-8")
    built = build_code(tmp_path / "code", output=tmp_path)
    papers = bill.write(built, "0.2.0", "The project's own words.")
    assert "The project's own words." in papers.notice.read_text("utf-8")
    assert problems(read(papers)) == []


def test_notice_of_a_layer_has_the_text_of_every_licence(layer: Layer) -> None:
    text = layer[1].notice.read_text("utf-8")
    assert "The project's own words." not in text, "nothing of a layer is the project's"
    assert "Take it, and keep these words." in text
    assert "two 2.0\n    licence: Two's own\n" in text


def test_the_version_is_where_the_functions_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from media_pipeline import __version__

    assert version.read() == __version__
    wrong = tmp_path / "__init__.py"
    wrong.write_text('__version__ = "next"\n', "utf-8")
    monkeypatch.setattr(version, "PLACE", wrong)
    with pytest.raises(Exception, match="three numbers"):
        version.read()
