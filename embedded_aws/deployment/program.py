"""Run a project's unmodified `__main__.py` against our own monitor, as the engine's language host does.

Each run has its own context, event loop and fresh project modules, so that stacks can follow one another in one
process; nothing of it stays behind.
"""

import asyncio
import contextlib
import contextvars
import os
import runpy
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

from embedded_aws.deployment.outstanding_outputs import OutstandingOutputs
from embedded_aws.deployment.project import Project

_POOL_THREADS = 4  # the world serves one request at a time: more threads would only wait
_SECONDS_BETWEEN_INTERRUPTS = 0.1
_OWN_PACKAGE = __name__.partition(".")[0]


class ProgramError(Exception):
    """The program stopped; the message is what it says to its operator, without a traceback."""


def run_program(project: Project, monitor: Any, log: Callable[[str, str], None]) -> None:
    """Run the program to its end, then set `monitor.closed`. `log(severity, message)` gets what it logs.

    Raises ProgramError with the program's own message for a RunError (at any depth of causes), and with type,
    message and place for any other exception.
    """
    context = contextvars.copy_context()
    with _as_its_own_program(project), _without_warnings_of_the_sdk(), without_stack_traces():
        try:
            context.run(_run_in_loop, project, monitor, log)
        except Exception as error:
            raise ProgramError(_readable(error, project.folder)) from error
        except SystemExit as error:
            if error.code not in (None, 0):
                raise ProgramError(str(error.code)) from error


def _run_in_loop(project: Project, monitor: Any, log: Callable[[str, str], None]) -> None:
    from pulumi.runtime import set_all_config
    from pulumi.runtime.mocks import MockSettings
    from pulumi.runtime.settings import configure, set_root_resource
    from pulumi.runtime.stack import run_in_stack

    settings: Any = MockSettings
    configure(
        settings(
            monitor=monitor,
            monitor_features=set(monitor.GetDeploymentInfo(None).supportedFeatures),
            engine=_Engine(log),
            project=project.name,
            stack=project.stack,
            dry_run=False,
            organization="organization",
            callbacks=None,
            root_directory=str(project.folder),
            # Fresh for this run: unfinished tasks of an earlier one would be awaited in a loop that is closed.
            outputs=OutstandingOutputs(),
            lock=threading.Lock(),
            package_refs={},
            base_providers_by_ref={},
            legacy_apply_enabled=False,
        )
    )
    set_all_config(dict(project.config))
    set_root_resource(None)  # type: ignore[arg-type]
    main = str(project.folder / "__main__.py")

    stopped: list[BaseException] = []

    def program() -> None:
        try:
            with _repeated_interrupts():
                runpy.run_path(main, run_name="__main__")
        except BaseException as error:
            # pulumi first waits for all registrations that are queued: after a failure, or Ctrl-C, they must not be
            # carried out any more, and their being refused is not what the operator should read.
            monitor.closed = True
            stopped.append(error)
            raise

    with _event_loop() as loop:
        try:
            loop.run_until_complete(run_in_stack(program))
        except BaseException as error:
            if stopped and error is not stopped[0]:
                raise stopped[0] from None
            raise
        finally:
            monitor.closed = True


class _Engine:
    """The engine's log service."""

    def __init__(self, log: Callable[[str, str], None]) -> None:
        self._log = log

    def Log(self, request: Any) -> None:  # noqa: N802 - the name of the gRPC method
        severities = {0: "debug", 1: "info", 2: "warning", 3: "error"}
        self._log(severities.get(request.severity, "info"), request.message)


@contextlib.contextmanager
def _repeated_interrupts() -> Iterator[None]:
    """Raise Ctrl-C's KeyboardInterrupt again until the program ends by it.

    The SDK drops whatever is raised while it notes where a resource is declared (`except BaseException` in
    pulumi/runtime/resource.py). Once the program has ended, what is repeated disturbs nothing: not even this function,
    which stops it. Only Python's own handler is replaced, and only in the main thread, which alone gets signals.
    """
    main = threading.main_thread()
    if (
        threading.current_thread() is not main
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(_SECONDS_BETWEEN_INTERRUPTS):
            signal.pthread_kill(main.ident or 0, signal.SIGINT)

    repeater = threading.Thread(target=repeat, name="interrupts", daemon=True)

    def interrupt(number: int, frame: Any) -> None:
        if _is_in_program(frame):
            if repeater.ident is None:
                repeater.start()
        elif repeater.ident is not None:
            return
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if repeater.ident is not None:
            repeater.join()


def _is_in_program(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code is not runpy.run_path.__code__:
        frame = frame.f_back
    return frame is not None


@contextlib.contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Yield a loop whose pool threads have loops too (pulumi makes one per thread and never closes it)."""
    loops: list[asyncio.AbstractEventLoop] = []
    guard = threading.Lock()

    def give_thread_a_loop() -> None:
        own = asyncio.new_event_loop()
        asyncio.set_event_loop(own)
        with guard:
            loops.append(own)

    loop = asyncio.new_event_loop()
    pool = ThreadPoolExecutor(
        max_workers=_POOL_THREADS, thread_name_prefix="deploy", initializer=give_thread_a_loop
    )
    loop.set_default_executor(pool)
    # Unfinished tasks of a failed program are cancelled below; what they would say of it has been said.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        _cancel_all(loop)
        pool.shutdown(wait=True, cancel_futures=True)
        for own in [*loops, loop]:
            own.close()
        asyncio.set_event_loop(None)


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


@contextlib.contextmanager
def _without_warnings_of_the_sdk() -> Iterator[None]:
    """Ignore that pulumi_aws warns of its own deprecated aliases whenever one of its modules is imported."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"[\w./]+ has been deprecated in favor of", DeprecationWarning)
        yield


@contextlib.contextmanager
def without_stack_traces() -> Iterator[None]:
    """Let the SDK not look up where a resource was registered: nobody here reads it, and it takes time for each."""
    from pulumi.runtime import resource
    from pulumi.runtime.proto import source_pb2

    looks_up: Any = vars(resource)["_get_stack_trace"]
    vars(resource)["_get_stack_trace"] = source_pb2.StackTrace
    try:
        yield
    finally:
        vars(resource)["_get_stack_trace"] = looks_up


@contextlib.contextmanager
def _as_its_own_program(project: Project) -> Iterator[None]:
    """Set working directory, `sys.path`, `sys.argv` and modules as for `python __main__.py` in the folder."""
    folder, kept = project.folder, project.kept_packages | {_OWN_PACKAGE}
    cwd, path, argv = Path.cwd(), list(sys.path), list(sys.argv)
    stashed = _take_out_modules(folder, kept)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    sys.argv = [str(folder / "__main__.py")]
    try:
        yield
    finally:
        os.chdir(cwd)
        sys.path[:] = path
        sys.argv[:] = argv
        _take_out_modules(folder, kept)
        sys.modules.update(stashed)


def _take_out_modules(folder: Path, kept: frozenset[str]) -> dict[str, Any]:
    """Remove the project's own modules from `sys.modules`, not those of a virtual environment inside it."""
    inside = tuple(f"{root}{os.sep}" for root in {str(folder), str(folder.resolve())})
    environment = tuple(f"{root}{os.sep}" for root in {sys.prefix, str(Path(sys.prefix).resolve())})
    found = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name == "__main__" or name.partition(".")[0] in kept:
            continue
        if file.startswith(inside) and not file.startswith(environment):
            found[name] = sys.modules.pop(name)
    return found


def _readable(error: BaseException, folder: Path) -> str:
    from pulumi import RunError

    seen: list[BaseException] = []  # pulumi raises stored exceptions again, so that a chain can be a ring
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        if isinstance(cause, RunError):
            return str(cause)
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(folder)
    ]
    own = [frame for frame in frames if not Path(frame.filename).is_relative_to(Path(sys.prefix))]
    where = f" ({Path(own[-1].filename).relative_to(folder)}:{own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{where}"
