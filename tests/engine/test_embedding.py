"""A program of another project, in another language, has the pipeline as one component, with the real engine."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from components.embedding.schema import TOKEN
from components.stack_files import StackFiles
from tests.components.recording import run_program, without_packaging
from tests.engine.operator_session import NO_CHANGES, PROJECT, OperatorSession

REGION = {"aws:region": {"value": "eu-central-1"}}
SIZES = {"thumb": 150, "hero": {"width": 1200, "height": 400, "fit": "cover"}}
TYPESCRIPT = "TYPESCRIPT_MODULES"  # the folder of Node's packages, of `make test-typescript`
OUTPUTS = {"uploads_bucket": "uploadsBucket", "records_table": "recordsTable"}


def in_yaml(session: OperatorSession) -> None:
    if shutil.which("pulumi-language-yaml") is None:
        pytest.skip("the `pulumi` on PATH comes without its language host for YAML")
    write(
        session,
        {
            "runtime": "yaml",
            "resources": {"photos": {"type": "media-pipeline:MediaPipeline", "properties": {"sizes": SIZES}}},
            "outputs": {name: f"${{photos.{output}}}" for name, output in OUTPUTS.items()},
        },
    )


def in_python(session: OperatorSession) -> None:
    """As the SDK that Pulumi makes of the schema does, which needs packages that this project does not have."""
    (session.rehearsal.folder / "__main__.py").write_text(
        "import pulumi\n"
        f"inputs = {{'sizes': {SIZES}, **dict.fromkeys({list(OUTPUTS.values())})}}\n"
        f"photos = pulumi.ComponentResource('{TOKEN}', 'photos', inputs, None, True)\n"
        + "".join(f"pulumi.export('{name}', photos.{output})\n" for name, output in OUTPUTS.items()),
        "utf-8",
    )
    options = {"toolchain": "pip", "virtualenv": sys.prefix}
    write(session, {"runtime": {"name": "python", "options": options}})


def in_typescript(session: OperatorSession) -> None:
    """With the SDK that Pulumi makes of the schema, as `pulumi package add` puts it into a program."""
    modules = Path(os.environ[TYPESCRIPT]).resolve()
    folder = session.rehearsal.folder
    write(session, {"runtime": "nodejs"})
    put_schema(session)
    session.pulumi("package", "gen-sdk", "schema.json", "--language", "nodejs", "--out", "sdk")
    (folder / "node_modules").symlink_to(modules)
    (folder / "package.json").write_text('{"name": "shop", "main": "index.ts"}', "utf-8")
    options = {"target": "es2022", "module": "nodenext", "strict": True, "skipLibCheck": True}
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options}), "utf-8")
    (folder / "index.ts").write_text(
        'import { MediaPipeline } from "./sdk/nodejs";\n'
        f'const photos = new MediaPipeline("photos", {{ sizes: {json.dumps(SIZES)} }});\n'
        + "".join(f"export const {name} = photos.{output};\n" for name, output in OUTPUTS.items()),
        "utf-8",
    )


def put_schema(session: OperatorSession) -> None:
    described = session.pulumi("package", "get-schema", str(plugin(session))).output
    (session.rehearsal.folder / "schema.json").write_text(described, "utf-8")


def write(session: OperatorSession, program: dict[str, object]) -> None:
    """Put the program where the session's commands run, with a stack of its own."""
    plugin(session)
    path = session.rehearsal.folder / "Pulumi.yaml"
    path.write_text(yaml.safe_dump({"name": "shop", "config": REGION, **program}), "utf-8")
    session.pulumi("stack", "init", "live")


def plugin(session: OperatorSession) -> Path:
    """Put the plugin on PATH as an executable, which needs no installation, and return it."""
    executable = session.rehearsal.folder / "bin" / "pulumi-resource-media-pipeline"
    if not executable.exists():
        executable.parent.mkdir()
        executable.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{PROJECT / "plugin"}" "$@"\n', "utf-8")
        executable.chmod(0o700)
        session.environment["PATH"] = f"{executable.parent}:{session.environment['PATH']}"
    return executable


def own_resources(tmp_path: Path) -> set[tuple[str, str]]:
    """Return type and name of each resource of the project's own program."""
    with without_packaging(tmp_path):
        recorded = run_program(StackFiles.read(PROJECT, "dev"))
    return {
        (resource.type, resource.name.removeprefix("media-pipeline-dev"))
        for resource in recorded.resources
        if not resource.type.startswith("pulumi:providers:") and resource.type != TOKEN
    }


def a_wrong_input_is_refused_as_the_property_that_it_is(session: OperatorSession) -> None:
    path = session.rehearsal.folder / "__main__.py"
    right = path.read_text("utf-8")
    path.write_text(right.replace("'thumb': 150", "'thumb': 0"), "utf-8")
    refused = session.pulumi("preview", expect=None)
    path.write_text(right, "utf-8")
    assert refused.code
    assert "sizes.thumb" in refused.text
    assert "allowed: a whole number of pixels" in refused.text


def deployed_resources(session: OperatorSession) -> set[tuple[str, str]]:
    """Deploy the program; return type and name of each resource of the component. What is external is only read."""
    session.up()
    return {
        (resource["type"], resource["urn"].rsplit("::", 1)[-1].removeprefix("photos-live"))
        for resource in session.state()
        if not (
            resource["type"].startswith("pulumi:") or resource["type"] == TOKEN or resource.get("external")
        )
    }


def test_a_yaml_program_deploys_the_same_resources(fresh: OperatorSession, tmp_path: Path) -> None:
    in_yaml(fresh)
    assert deployed_resources(fresh) == own_resources(tmp_path)


PROGRAMS = [in_python, *([in_typescript] if TYPESCRIPT in os.environ else [])]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__.removeprefix("in_"))
def test_a_program_of_another_project_deploys_the_same_resources_and_they_work(
    program: Callable[[OperatorSession], None], fresh: OperatorSession, photo: Path, tmp_path: Path
) -> None:
    program(fresh)
    if program is in_python:
        a_wrong_input_is_refused_as_the_property_that_it_is(fresh)
    assert deployed_resources(fresh) == own_resources(tmp_path)
    assert fresh.preview() == NO_CHANGES
    record = fresh.process(photo)
    assert record["status"] == "PUBLISHED"
    assert {rendition["name"] for rendition in record["renditions"]} == set(SIZES)
    fresh.pulumi("destroy", "--yes", "--skip-preview")
    assert fresh.leftovers() == []


def test_the_engine_takes_the_schema(fresh: OperatorSession) -> None:
    put_schema(fresh)
    described = json.loads((fresh.rehearsal.folder / "schema.json").read_text("utf-8"))
    assert set(described["resources"]) == {TOKEN}
    fresh.pulumi("package", "gen-sdk", "schema.json", "--language", "python", "--out", "sdk")
    made = (fresh.rehearsal.folder / "sdk/python/pulumi_media_pipeline/media_pipeline.py").read_text("utf-8")
    assert "def uploads_bucket(self) -> pulumi.Output[_builtins.str]" in made
