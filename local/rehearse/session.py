"""One rehearsal: a world, a state backend, a copy of the configuration, and the environment for them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import boto3

from components.config_model import PROJECT as PROJECT_NAME
from components.packaging import PACKAGES_FOR
from components.stack_files import read_document
from embedded_aws.isolation import ACCOUNT_ID, without_aws
from embedded_aws.serving.process import PROJECT, ServingProcess
from local.keys import absent_key, make_key
from local.rehearse.engine import find_engine
from local.rehearse.folder import Copied, RehearsalError, copy_project

STACK_VARIABLE: Final = "MEDIA_PIPELINE_REHEARSAL"
# The engine writes the state at the end of a command, and not after every step, which takes a third of an update's
# processor time. What it gives up is what a killed engine (`kill -9`) would leave; an interrupt is as ever.
STATE_AT_THE_END: Final = {"PULUMI_EXPERIMENTAL": "true", "PULUMI_SKIP_CHECKPOINTS": "true"}


class Rehearsal:
    """Context manager: `environment` and `folder` make `pulumi` work against a world.

    The stack exists and is selected, and nothing is deployed. Raises NoEngineError without a Pulumi CLI,
    RehearsalError for a stack that has no usable configuration, and ServingError where the world does not start.
    `serving` is the command line of another world process, for tests.
    """

    def __init__(
        self, stack: str, *, project: Path = PROJECT, serving: Sequence[str] = ("-m", "embedded_aws.serving")
    ) -> None:
        self.stack = stack
        self._project = project
        self._serving = serving
        self._parts = ExitStack()

    def __enter__(self) -> Self:
        self._pulumi = find_engine()
        with ExitStack() as parts:
            root = Path(parts.enter_context(_temporary()))
            self.folder = root / "project"
            self.logs, self.outbox = root / "logs", root / "outbox"
            for folder in (self.folder, self.logs, self.outbox, root / "state", root / "home"):
                folder.mkdir()
            self.copied: Copied = copy_project(self._project, self.stack, self.folder)
            engine = _engine_environment(root)
            # Needs nothing of the world, which starts meanwhile.
            stack = parts.enter_context(self._begin_stack(engine))
            self.world = parts.enter_context(
                ServingProcess(
                    self.copied.region,
                    log=self.logs / "embedded-aws.log",
                    function_logs=self.logs,
                    outbox=self.outbox,
                    module=self._serving,
                )
            )
            self.environment = _environment(engine, self._project, self.stack, self.world)
            self._finish(stack)
            self._make_key()
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close()

    def _make_key(self) -> None:
        """Where the stack has a KMS key, create one in the world, and name it in the copy of the stack's file."""
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        text, region, settings = path.read_text("utf-8"), self.copied.region, self.world.environment
        if "keyArn" not in text:
            return
        session = boto3.session.Session(
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            region_name=region,
        )
        kms = session.client("kms", endpoint_url=self.world.endpoint_url)
        config = read_document(path, self.stack).get("config") or {}
        if (arn := absent_key(config, f"{PROJECT_NAME}:encryption", region, kms)) is not None:
            made = make_key(
                kms,
                stack=self.stack,
                region=region,
                account=ACCOUNT_ID,
                delivery=config.get(f"{PROJECT_NAME}:delivery"),
                access_logs=config.get(f"{PROJECT_NAME}:accessLogs"),
            )
            path.write_text(text.replace(arn, made), "utf-8")

    def _begin_stack(self, engine: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self._pulumi, "stack", "init", self.stack, "--non-interactive"],
            cwd=self.folder,
            env=engine,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _finish(self, stack: subprocess.Popen[str]) -> None:
        _, problem = stack.communicate()
        if stack.returncode:
            raise RehearsalError(f"`pulumi stack init {self.stack}` failed:\n{problem.strip()}")


def _temporary() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="rehearsal-", ignore_cleanup_errors=True)


def _engine_environment(root: Path) -> dict[str, str]:
    """Return the machine's own variables, without those that lead to a real account, plus those of the engine."""
    mine = {name: value for name, value in without_aws(os.environ).items() if not _is_pulumis(name)}
    return {
        **mine,
        # A file backend, its own home and a key for its secrets, all of which go with the folder.
        "PULUMI_BACKEND_URL": (root / "state").as_uri(),
        "PULUMI_HOME": str(root / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
        # No network: nothing is looked up, fetched or reported.
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        **STATE_AT_THE_END,
    }


def _environment(
    engine: Mapping[str, str], project: Path, stack: str, world: ServingProcess
) -> dict[str, str]:
    """Return the engine's variables plus those of this world and of the commands that are run in it."""
    return {
        **engine,
        **world.environment,
        "PULUMI_DEBUG_PROVIDERS": f"aws:{world.provider_port}",
        PACKAGES_FOR: "host",
        # `python -m operations ...` works here as it does in the checkout.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONPATH": str(project),
        STACK_VARIABLE: stack,
    }


def _is_pulumis(name: str) -> bool:
    return name.upper().startswith("PULUMI_")
