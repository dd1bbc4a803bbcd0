"""The real layer of every target; the wheels are fetched once and kept in the wheel cache."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from components.packaging import Package, Target, __main__, build_code, build_layer, store
from components.packaging.errors import TooLargeError
from components.packaging.lock import RUNTIME_SDK, Lock
from components.packaging.stack import CODE, IMAGE_LOCK, VIDEO_LOCK, build_stack
from components.packaging.store import PROJECT
from components.packaging.target import ARCHITECTURES, GLIBC
from components.stack_files import StackFiles, read_config
from media_pipeline.images import libwebp
from tests.unit.packaging import elf

TARGETS = [Target(runtime, architecture) for runtime in GLIBC for architecture in ARCHITECTURES]
MODULES = {"PIL", "pi_heif", "aws_lambda_powertools", "aws_xray_sdk", "wrapt"}
REPORTED = ["bill_of_materials_sha256", "bytes", "name", "notice_sha256", "path", "sha256"]
"""What `make package JSON=` tells of each zip."""
LOCKS = {"image": IMAGE_LOCK, "video": VIDEO_LOCK}
Layers = dict[Target, Package]


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    output = tmp_path_factory.mktemp("layers")
    return {target: build_layer(IMAGE_LOCK, target, output=output) for target in TARGETS}


@pytest.fixture(scope="module")
def video_layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    output = tmp_path_factory.mktemp("video-layers")
    return {target: build_layer(VIDEO_LOCK, target, output=output) for target in TARGETS}


@pytest.mark.parametrize("kind", LOCKS)
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.label)
def test_every_shared_object_is_of_the_targets_machine_python_and_glibc(
    target: Target, kind: str, layers: Layers, video_layers: Layers
) -> None:
    digits, machine = target.version.replace(".", ""), ARCHITECTURES[target.architecture]
    with zipfile.ZipFile((layers if kind == "image" else video_layers)[target].path) as layer:
        objects = {name: layer.read(name) for name in layer.namelist() if re.search(r"\.so(\.|$)", name)}
        stable = [name for name in objects if ".abi3.so" in name]
        disguised = [name for name in layer.namelist() if name not in objects and _is_elf(layer, name)]
    assert disguised == []
    assert len(objects) > 10
    extensions = 0
    for name, data in objects.items():
        found = elf.parse(data)
        assert found.machine == machine, name
        assert found.glibc <= GLIBC[target.runtime], name
        if ".cpython-" in name:
            extensions += 1
            assert name.endswith(f".cpython-{digits}-{machine}-linux-gnu.so"), name
        else:  # a plain library that the extensions bring, or one for every Python 3
            assert ".abi3.so" in name or ".libs/" in name, name
    assert extensions + len(stable) > 5


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.label)
def test_every_layer_has_what_the_functions_import_and_not_the_runtimes_sdk(
    target: Target, layers: dict[Target, Package]
) -> None:
    with zipfile.ZipFile(layers[target].path) as layer:
        top = {name.split("/")[1] for name in layer.namelist()}
    assert top >= MODULES
    assert not {name.replace("-", "_") for name in RUNTIME_SDK} & {name.split("-")[0] for name in top}
    assert not {"dateutil", "six.py"} & top


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.label)
def test_every_layer_has_the_libwebp_that_is_called_beside_pillow(target: Target, layers: Layers) -> None:
    """Without it, WebP would be encoded by way of RGB (docs/adr/0078)."""
    with zipfile.ZipFile(layers[target].path) as layer:
        (name,) = [name for name in layer.namelist() if "pillow.libs/libwebp-" in name]
        library = layer.read(name)
    assert all(function.encode() in library for function in libwebp._FUNCTIONS)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.label)
def test_all_that_process_video_unpacks_fits_and_each_zip_can_be_uploaded_directly(
    target: Target, layers: Layers, video_layers: Layers
) -> None:
    code = build_code(CODE, output=layers[target].path.parent)
    packages = (code, layers[target], video_layers[target])
    assert sum(package.unzipped for package in packages) < 250 * 2**20
    assert max(package.bytes for package in packages) < 50 * 2**20


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.label)
def test_the_video_layer_holds_nothing_but_pyav_and_its_libraries(
    target: Target, video_layers: Layers
) -> None:
    with zipfile.ZipFile(video_layers[target].path) as layer:
        top = {name.split("/")[1] for name in layer.namelist()}
        licences = [name for name in layer.namelist() if "licen" in name.lower()]
    assert {name.partition("-")[0].partition(".")[0] for name in top} == {"av", "NOTICE"}
    assert licences, "its terms travel with it"


def test_each_target_has_a_layer_of_its_own(layers: dict[Target, Package]) -> None:
    assert (
        len({layer.sha256 for layer in layers.values()})
        == len({layer.path for layer in layers.values()})
        == 4
    )


def test_the_hosts_layer_imports_on_the_host_by_itself(tmp_path: Path) -> None:
    layer = build_layer(IMAGE_LOCK, Target.host(), output=tmp_path)
    with zipfile.ZipFile(layer.path) as archive:
        archive.extractall(tmp_path)
    imports = "import PIL._imaging, pi_heif, wrapt; print(PIL.__file__)"
    program = f"import sys; sys.path.insert(0, sys.argv[1]); {imports}"
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path / "python")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


def test_the_hosts_video_layer_imports_on_the_host_without_numpy(tmp_path: Path) -> None:
    layer = build_layer(VIDEO_LOCK, Target.host(), output=tmp_path)
    with zipfile.ZipFile(layer.path) as archive:
        archive.extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import av; print('libx264' in av.codecs_available)"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(tmp_path / "python")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(
    ("sys_platform", "platform_system", "os_name"),
    [("linux", "Linux", "posix"), ("darwin", "Darwin", "posix"), ("win32", "Windows", "nt")],
)
def test_the_lock_serves_every_host_that_the_project_runs_on(
    version: str, sys_platform: str, platform_system: str, os_name: str
) -> None:
    markers = Target("python3.13", "x86_64").markers | {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "sys_platform": sys_platform,
        "platform_system": platform_system,
        "os_name": os_name,
    }
    pins = Lock.read(IMAGE_LOCK).select(markers)
    assert pins.keys() >= {"pillow", "pi-heif", "aws-lambda-powertools", "aws-xray-sdk"}
    assert Lock.read(VIDEO_LOCK).select(markers).keys() == {"av"}


@pytest.mark.parametrize(
    ("video", "names"),
    [
        (False, ["media-pipeline-code", "image-layer"]),
        (True, ["media-pipeline-code", "image-layer", "video-layer"]),
    ],
)
def test_the_packages_of_a_stack_are_its_code_and_its_layers(
    tmp_path: Path, video: bool, names: list[str]
) -> None:
    packages = build_stack(TARGETS[0], video=video, output=tmp_path)
    assert [package.name for package in packages] == names
    assert [package.bytes for package in packages] == [package.path.stat().st_size for package in packages]


def test_layers_that_are_too_much_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = sum(package.unzipped for package in build_stack(TARGETS[0], video=True, output=tmp_path)) - 1
    monkeypatch.setattr(store, "UNZIPPED_LIMIT", limit)
    with pytest.raises(TooLargeError, match=r"process-video with its layers .* video-layer"):
        build_stack(TARGETS[0], video=True, output=tmp_path)
    build_stack(TARGETS[0], output=tmp_path)


@pytest.mark.parametrize("target", ["host", "aws"])
def test_fetching_covers_videos_for_every_machine_even_where_they_are_not_enabled_yet(
    target: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "fetch", lambda lock, _target: [lock.stem])
    assert __main__.main(["fetch", "--for", target]) == 0
    fetched = capsys.readouterr().out.split()[1::2]
    assert fetched == ["image", "video"] * (1 if target == "host" else len(TARGETS))


@pytest.mark.parametrize("video", [False, True])
def test_package_command_reports_the_zips_of_the_stack(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    video: bool,
) -> None:
    own = StackFiles.read(PROJECT, "dev").values["media-pipeline:video"]
    assert isinstance(own, dict)
    config = read_config(PROJECT, "dev", {"video": {**own, "enabled": video}})
    monkeypatch.setattr(__main__, "read_config", lambda _project, _stack: config)
    report = tmp_path / "new folder" / "zips.json"
    assert __main__.main(["package", "--stack", "dev", "--json", str(report)]) == 0
    rows = json.loads(report.read_text())
    printed = capsys.readouterr().out
    assert [sorted(row) for row in rows] == [REPORTED] * (3 if video else 2)
    for row in rows:
        path = PROJECT / row["path"]
        assert not Path(row["path"]).is_absolute()
        assert (path.stat().st_size, store.sha256_of(path)) == (row["bytes"], row["sha256"])
        assert row["sha256"] in printed


def test_package_command_is_for_aws_even_where_local_runs_are_for_the_host(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MEDIA_PIPELINE_PACKAGES_FOR", "host")
    assert __main__.main(["package", "--stack", "dev"]) == 0
    assert "host" not in capsys.readouterr().out


def test_package_command_answers_an_unknown_stack_with_one_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert __main__.main(["package", "--stack", "nowhere"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "nowhere" in printed.err
    assert "Traceback" not in printed.err


def _is_elf(layer: zipfile.ZipFile, name: str) -> bool:
    with layer.open(name) as file:
        return file.read(4) == b"\x7fELF"
