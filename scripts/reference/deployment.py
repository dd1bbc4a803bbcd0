"""The documents about what is deployed: functions, outputs, alarms."""

from collections.abc import Mapping

from components.function_specs import FUNCTIONS
from components.outputs import OUTPUTS
from scripts.reference.markdown import code, document, table
from tests.components.queries import ALARM, FUNCTION, MAPPING, environment, metrics
from tests.components.recording import Recording, Registered

Stacks = Mapping[str, Recording]


def functions(stacks: Stacks) -> str:
    """Return the document with every Lambda function."""
    rows = [
        (
            code(spec.name),
            spec.purpose,
            *(_size(recorded, spec.name) for recorded in stacks.values()),
            ", ".join(map(code, spec.layers)),
            ", ".join(map(code, sorted(environment(stacks["dev"], f"-{spec.name}")))),
        )
        for spec in FUNCTIONS
    ]
    return document(
        "Functions",
        "Every Lambda function, with memory, time-out, /tmp if it has more than 512 MB, and the maximum "
        "concurrency of "
        "the queues that it polls. `process-video` is deployed where `video.enabled` is true, `upload-api` where "
        "`api.enabled` is true, `review-api` where `review.console` is true.",
        table(("function", "purpose", *(f"`{stack}`" for stack in stacks), "layers", "environment"), rows),
    )


def outputs(stacks: Stacks) -> str:
    """Return the document with every stack output."""
    secret = stacks["dev"].secret_outputs
    rows = [
        (code(name), f"{output.meaning}; read it with `--show-secrets`" if name in secret else output.meaning)
        for name, output in OUTPUTS.items()
    ]
    return document(
        "Stack outputs",
        "Read one with `pulumi stack output <name>`, or all with `pulumi stack output --json`. Outputs of "
        "videos and of "
        "the API exist only where these are enabled.",
        table(("output", "meaning"), rows),
    )


def alarms(stacks: Stacks) -> str:
    """Return the document with every alarm."""
    recorded = stacks["dev"]
    rows = [
        (code(_short(alarm, recorded)), _watched(alarm), _rings(alarm), *_described(alarm, recorded))
        for alarm in sorted(recorded.of(ALARM), key=lambda alarm: alarm.name)
    ]
    return document(
        "Alarms",
        "Every alarm of the stack `dev` with an address in `notify.alerts`, without the prefix "
        "`media-pipeline-dev-`. Where nobody is told, a stack has those that the documentation of "
        "[costs](../operator/cost.md) names. Thresholds that follow from a time-out differ in other stacks. "
        "All evaluate periods of five minutes, count missing data as good, and go to the topic "
        "`alarms_topic_arn`. [Alarms and runbooks](../operator/alarms.md) says at more length what to do.",
        table(("alarm", "metrics", "rings at", "meaning", "what to do"), rows),
    )


def _size(recorded: Recording, name: str) -> str:
    function = recorded.one(FUNCTION, f"-{name}")
    text = f"{function.inputs['memorySize']:.0f} MB, {function.inputs['timeout']:.0f} s"
    if "ephemeralStorage" in function.inputs:
        text += f", {function.inputs['ephemeralStorage']['size']:.0f} MB of /tmp"
    polls = [
        mapping.inputs["scalingConfig"]["maximumConcurrency"]
        for mapping in recorded.of(MAPPING)
        if "scalingConfig" in mapping.inputs
        and mapping.inputs["functionName"].endswith(f":{function.name}-1a2b3c4")
    ]
    return text + (f", {' and '.join(f'{each:.0f}' for each in polls)} at once" if polls else "")


def _short(resource: Registered, recorded: Recording) -> str:
    return resource.name.removeprefix(f"media-pipeline-{recorded.stack}-")


def _watched(alarm: Registered) -> str:
    watched = [f"`{namespace}` `{name}` ({statistic})" for namespace, name, statistic, _ in metrics(alarm)]
    return ", ".join(watched)


def _rings(alarm: Registered) -> str:
    """Return the threshold, with its unit where the expression has a label."""
    labels = [query["label"] for query in alarm.inputs.get("metricQueries", ()) if query["returnData"]]
    periods = (
        f"{alarm.inputs['evaluationPeriods']:.0f} periods"
        if alarm.inputs["evaluationPeriods"] > 1
        else "1 period"
    )
    unit = f" ({labels[0]})" if labels else ""
    return f"{alarm.inputs['threshold']:g}{unit}, {periods}"


def _described(alarm: Registered, recorded: Recording) -> tuple[str, str]:
    text = str(alarm.inputs["alarmDescription"]).replace(f"media-pipeline-{recorded.stack}-", "")
    meaning, _, remedy = text.partition(" What to do: ")
    return meaning, remedy
