"""The notice in each layer: it says what the layer holds, from the metadata of the very wheels in it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from components.packaging import Package, Target, build_layer
from tests.unit.packaging.wheel_index import WheelFolder

TARGET = Target("python3.13", "arm64")
REQUIREMENTS = Path(__file__).parents[3] / "lambda" / "requirements"


def build(wheels: WheelFolder, metadata: Mapping[str, str], files: Mapping[str, str] | None = None) -> str:
    """Return the notice of a layer of one package with these fields in its metadata, and these files."""
    wheels.add("one==1.0", files, metadata=metadata)
    wheels.write_lock("one")
    return text_of(build_layer(wheels.lock, TARGET, output=wheels.output, cache=wheels.cache))


def text_of(package: Package) -> str:
    with zipfile.ZipFile(package.path) as layer:
        (name,) = (name for name in layer.namelist() if name.startswith("python/NOTICE."))
        return layer.read(name).decode()


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"License-Expression": "MIT AND LGPL-3.0-only", "License": "ignored"}, "MIT AND LGPL-3.0-only"),
        ({"License": "BSD-3-Clause"}, "BSD-3-Clause"),
        (
            {
                "License": "BSD",
                "Classifier": "License :: OSI Approved :: GNU Lesser General Public License v3",
            },
            "BSD; GNU Lesser General Public License v3",
        ),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, "MIT License"),
        ({}, "see the licence texts"),
    ],
)
def test_licence_is_what_the_package_says(
    wheels: WheelFolder, metadata: Mapping[str, str], licence: str
) -> None:
    assert f"one 1.0\n    licence: {licence}\n" in build(wheels, metadata)


def test_texts_bundled_libraries_and_the_source_are_named(wheels: WheelFolder) -> None:
    files = {
        "one-1.0.dist-info/licenses/LICENSE.txt": "MIT",
        "one-1.0.dist-info/COPYING": "GPL",
        "one.libs/libother-1234.so.1": "x" * 1234,
        "one/licenses/not_a_text.py": "",
    }
    lines = build(wheels, {"Project-URL": "Source, https://example.com/one"}, files).splitlines()
    assert [line.strip() for line in lines if line.startswith("    ")] == [
        "licence: see the licence texts",
        "source: https://example.com/one",
        "licence texts: python/one-1.0.dist-info/COPYING",
        "licence texts: python/one-1.0.dist-info/licenses/LICENSE.txt",
        "bundled: python/one.libs/libother-1234.so.1 (1,234 bytes)",
    ]


@pytest.fixture(scope="module")
def notices(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """The notices of the real layers."""
    folder = tmp_path_factory.mktemp("layers")
    return {
        name: text_of(build_layer(REQUIREMENTS / f"{name}.txt", TARGET, output=folder))
        for name in ("image", "video")
    }


def test_the_image_layer_has_decoders_only(notices: Mapping[str, str]) -> None:
    assert "pi_heif" in notices["image"]
    assert "libde265" in notices["image"]
    assert not any(encoder in notices["image"] for encoder in ("x265", "x264", "(GPL"))


def test_the_video_layer_says_that_it_bundles_encoders_under_the_gpl(notices: Mapping[str, str]) -> None:
    assert "av.libs/libx264" in notices["video"]


@pytest.mark.parametrize("layer", ["image", "video"])
def test_every_package_of_a_layer_has_a_licence_and_its_text(notices: Mapping[str, str], layer: str) -> None:
    paragraphs = notices[layer].split("\n\n")[2:]
    assert paragraphs
    for paragraph in paragraphs:
        assert "licence: " in paragraph
        assert "licence texts: python/" in paragraph
