"""One demo: deploy, upload, wait, collect, destroy."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.config_model import StackConfig
from components.packaging import PACKAGES_FOR
from components.stack_files import read_config
from embedded_aws.api_gateway.http_front import ApiFront
from embedded_aws.deployment.deploy import DeployError, Deployment, Resource
from embedded_aws.outbox import Outbox
from embedded_aws.runtime.functions import Functions
from embedded_aws.runtime.poller import Batch, Poller
from embedded_aws.runtime.timescale import TimeScale
from embedded_aws.world import World
from local.demo import dashboard, originals, report
from local.demo.decisions import Plan
from local.demo.interrupts import InterruptedRunError, Interrupts
from local.demo.outcomes import Mail, Outcome, Run, Seconds, Upload
from local.demo.output import Output
from local.demo.people import People
from local.demo.photos import Photo
from local.demo.pipeline import Pipeline
from local.demo.progress import Reporter, counted
from local.demo.takedown import take_down
from local.stacks import prepare, stack_region
from operations.cost import Costs

PROJECT = Path(__file__).resolve().parents[2]

POLL_SECONDS = 0.1
LOOKS_SHARE = 4  # rests between two looks at the records last so many looks: watching must not slow the work
LONGEST_REST = 1.0
# No record has changed and no function has run for so long: whatever it is, waiting on does not help.
PATIENCE_SECONDS = 180.0
# For messages that change no record any more; one that is not done by then comes back too late to matter.
AFTERMATH_SECONDS = 5.0
THROUGH_THE_API = 3  # each third file, if the API takes it; the others are put into the bucket


@dataclass(frozen=True, kw_only=True)
class Running:
    """What runs in the world beside its services."""

    poller: Poller
    functions: Functions
    outbox: Outbox


@dataclass(frozen=True)
class Deployed:
    """A deployed pipeline and what runs it."""

    config: StackConfig
    pipeline: Pipeline
    running: Running


@dataclass(frozen=True, kw_only=True)
class _Collected:
    outcomes: tuple[Outcome, ...]
    mails: tuple[Mail, ...]
    logs: tuple[str, ...]
    cost: Mapping[str, Any]


def run(
    stack: str,
    photos: list[Photo],
    output: Output,
    *,
    plan: Plan | None,
    interrupts: Interrupts,
    reporter: Reporter,
) -> Run:
    """Run the demo and write its reports into `output`, which is prepared. `plan` is what people decide, if anything.

    Raises DeployError if it cannot be deployed, and InterruptedRunError after an interrupt, once everything is removed.
    """
    os.environ[PACKAGES_FOR] = "host"  # the functions run on this machine, not on AWS's
    began = time.monotonic()
    with ExitStack() as stack_of_things:
        world = stack_of_things.enter_context(World(region=stack_region(PROJECT, stack)))
        interrupts.check()
        reporter.phase(f"Deploying stack {stack}", None)
        deployment = prepare(PROJECT, stack, world, on_resource=_told(reporter, interrupts))
        with _removed_on_the_way_out(deployment, world, interrupts):
            with _running(world, output.root, interrupts, reporter) as running:
                deployment.up()
                interrupts.check()
                resources = len(deployment.resources)
                deployed, since = time.monotonic(), time.time()
                reporter.show(f"{resources} resources in {deployed - began:.1f} s")
                running.poller.start()
                pipeline = Pipeline(world.client, deployment.outputs)
                stack_up = Deployed(read_config(PROJECT, stack), pipeline, running)
                outcomes = _process(stack_up, photos, reporter, interrupts)
                processed = time.monotonic()
                reporter.show(f"{counted(outcomes)} in {processed - deployed:.1f} s")
                people = People(stack, deployment.outputs, sleep=interrupts.sleep)
                decisions = people.decide(plan, outcomes, output, reporter)
                outcomes = stack_up.pipeline.outcomes([outcome.upload for outcome in outcomes])
                _quiet(running, interrupts)
                board = dashboard.draw(world, stack_up.config, deployment.outputs, since, running.functions)
            collected = _collect(stack_up, outcomes, output, interrupts)
            collected_at = time.monotonic()
            interrupts.check()
            reporter.phase(f"Destroying stack {stack}", resources)
            leftovers = _destroyed(deployment, world, _told(reporter, interrupts))
            destroyed = time.monotonic()
    result = Run(
        stack=stack,
        seconds=Seconds(
            deploy=deployed - began,
            process=processed - deployed,
            destroy=destroyed - collected_at,
            total=destroyed - began,
        ),
        resources=resources,
        leftovers=tuple(leftovers),
        decisions=decisions,
        board=board,
        **vars(collected),
    )
    report.write(result, output.root)
    return result


def _destroyed(deployment: Deployment, world: World, on_resource: Callable[[Resource], None]) -> list[str]:
    """Destroy; return what is left over. A refused deletion counts as left over: the results are still worth having."""
    try:
        return take_down(deployment, world, on_resource)
    except DeployError as refusal:
        return [str(refusal), *(resource.urn for resource in deployment.resources if resource.is_custom)]


@contextmanager
def _running(world: World, out: Path, interrupts: Interrupts, reporter: Reporter) -> Iterator[Running]:
    """Run functions, API, outbox and queue poller (which is not started), while there is something to process.

    The queues' metrics are noted meanwhile.

    Enter it before the deployment, so that stages know their address.
    """
    timescale = TimeScale()
    functions = Functions(world, timescale, log_folder=out / "logs")
    poller = Poller(world, functions, timescale, on_batch=_errors_to(reporter, interrupts))
    with interrupts.ending_with(functions.close):
        in_order = False
        try:
            front, outbox = ApiFront(world, functions.invoke), Outbox((out / "outbox").resolve())
            with front, outbox, dashboard.queues_watched(world):
                yield Running(poller=poller, functions=functions, outbox=outbox)
            in_order = True
        finally:
            poller.stop(kill=not in_order)
            functions.close()


def _errors_to(reporter: Reporter, interrupts: Interrupts) -> Callable[[Batch], None]:
    """Report each error of a function once: its messages are retried, and nothing else would be shown meanwhile."""
    reported: set[tuple[str, str]] = set()

    def tell(batch: Batch) -> None:
        error = batch.invocation.error
        if error is None or interrupts.requested or (batch.function_name, error.type) in reported:
            return
        reported.add((batch.function_name, error.type))
        reporter.show(f"{batch.function_name} fails: {error.type}: {error.message}")

    return tell


@contextmanager
def _removed_on_the_way_out(deployment: Deployment, world: World, interrupts: Interrupts) -> Iterator[None]:
    """Destroy what was deployed where the run does not reach its own end.

    An interrupt comes out as InterruptedRunError that says what was removed, whatever broke off because of it.
    """
    try:
        yield
    except BaseException as error:
        removed = _remove(deployment, world)
        if interrupts.requested:
            raise InterruptedRunError(removed) from error
        raise


def _remove(deployment: Deployment, world: World) -> str | None:
    """Destroy what was deployed and describe what that was; None where it was nothing."""
    count = len(deployment.resources)
    if not count:
        return None
    counted_resources = f"{count} resource{'' if count == 1 else 's'}"
    try:
        leftovers = take_down(deployment, world)
    except Exception as refusal:  # noqa: BLE001 - what made the run end counts, and the world ends all the same
        return f"the embedded AWS with {counted_resources} (which refused an orderly end: {refusal})"
    if leftovers:
        return f"{counted_resources}, and with the embedded AWS what they left: {', '.join(leftovers)}"
    return f"{counted_resources} of the embedded AWS"


def _told(reporter: Reporter, interrupts: Interrupts) -> Callable[[Resource], None]:
    def tell(resource: Resource) -> None:
        interrupts.check()
        reporter.step(resource.name)

    return tell


def _process(
    deployed: Deployed, photos: list[Photo], reporter: Reporter, interrupts: Interrupts
) -> tuple[Outcome, ...]:
    """Upload everything, and wait until each object has an announced terminal record."""
    reporter.phase("Processing", len(photos))
    uploads: list[Upload] = []
    for number, photo in enumerate(photos):
        interrupts.check()
        enter = deployed.pipeline.upload if number % THROUGH_THE_API else deployed.pipeline.send
        uploads.append(enter(photo))
    shown: set[str] = set()
    seen: list[object] = []
    worked: set[str] = set()
    changed = time.monotonic()
    while True:
        looked = time.monotonic()
        outcomes = deployed.pipeline.outcomes(uploads)
        look = time.monotonic() - looked
        for outcome in outcomes:
            if outcome.settled and outcome.upload.file not in shown:
                shown.add(outcome.upload.file)
                reporter.settled(outcome)
        if len(shown) == len(uploads):
            return outcomes
        now = [(outcome.status, outcome.announced) for outcome in outcomes]
        # A long video shows nothing for minutes. Its function is killed at its time-out, and not tried for ever.
        working = {each.request_id for each in deployed.running.functions.environments() if each.request_id}
        if now != seen or working & worked:
            seen, changed = list(now), time.monotonic()
        elif time.monotonic() - changed > PATIENCE_SECONDS:
            return outcomes
        worked = working
        interrupts.sleep(min(LONGEST_REST, max(POLL_SECONDS, LOOKS_SHARE * look)))


def _quiet(running: Running, interrupts: Interrupts) -> None:
    """Let what follows from the outcomes end too: events of originals that were moved, and the log of outcomes.

    A function that has events to work through is waited for; one that fails, and is tried again in minutes, is not.
    """
    until, left = time.monotonic() + AFTERMATH_SECONDS, running.functions.events.pending
    while not running.poller.idle() and time.monotonic() < until:
        interrupts.sleep(POLL_SECONDS)
        if (pending := running.functions.events.pending) != left:
            until, left = time.monotonic() + AFTERMATH_SECONDS, pending


def _collect(
    deployed: Deployed, outcomes: tuple[Outcome, ...], output: Output, interrupts: Interrupts
) -> _Collected:
    """Copy everything that the report shows out of the embedded AWS."""
    placed = []
    for outcome in outcomes:
        interrupts.check()
        placed.append(originals.place(deployed.pipeline.fetch_renditions(outcome, output), output))
    return _Collected(
        outcomes=tuple(placed),
        mails=tuple(
            Mail(recipient=email.recipient, subject=email.subject, path=output.relative(email.path))
            for email in deployed.running.outbox.emails
        ),
        logs=tuple(f"logs/{path.name}" for path in sorted((output.root / "logs").glob("*.log"))),
        cost=Costs.of(deployed.pipeline.records(), deployed.config).document(since=None),
    )
