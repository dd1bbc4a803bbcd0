"""CloudWatch. (API references: PutRetentionPolicy, PutMetricAlarm.)"""

from embedded_aws.refusals.base import Parameters, refusal, refuse, within

RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)
_SHORT_PERIODS = frozenset((10, 20, 30))
_MINUTE, _HOUR, _DAY, _WEEK = 60, 3_600, 86_400, 604_800
_MISSING_DATA = frozenset(("breaching", "notBreaching", "ignore", "missing"))


@refusal("log retention is one of CloudWatch's values", "logs", "PutRetentionPolicy")
def _retention(parameters: Parameters) -> None:
    days = parameters["retentionInDays"]
    if days not in RETENTION_DAYS:
        raise refuse(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
            f"Member must satisfy enum value set: {sorted(RETENTION_DAYS)}",
        )


@refusal(
    "an alarm's periods are 10, 20, 30 s or minutes, and look back at most a day (a week, by the hour)",
    "cloudwatch",
    "PutMetricAlarm",
)
def _periods(parameters: Parameters) -> None:
    metrics = parameters.get("Metrics") or []
    periods = [parameters["Period"]] if "Period" in parameters else []
    periods += [metric["MetricStat"]["Period"] for metric in metrics if "MetricStat" in metric]
    periods += [metric["Period"] for metric in metrics if "Period" in metric]
    for period in map(int, periods):
        if period not in _SHORT_PERIODS and (period < _MINUTE or period % _MINUTE):
            raise refuse("ValidationError", "The period must be 10, 20, 30, or a multiple of 60")
        most = _WEEK if period >= _HOUR else _DAY
        if period * int(parameters["EvaluationPeriods"]) > most:
            raise refuse("ValidationError", f"Metrics cannot be checked across more than {most} seconds")


@refusal("an alarm has a metric or exactly one result among its queries", "cloudwatch", "PutMetricAlarm")
def _one_result(parameters: Parameters) -> None:
    metrics = parameters.get("Metrics") or []
    if not metrics:
        if not parameters.get("MetricName"):
            raise refuse("ValidationError", "Exactly one of MetricName and Metrics must be specified")
        return
    results = [metric for metric in metrics if metric.get("ReturnData", True)]
    if len(results) != 1:
        raise refuse("ValidationError", "Exactly one element of the metrics list should return data.")
    ids = [metric["Id"] for metric in metrics]
    if len(set(ids)) != len(ids) or not all(name[:1].islower() for name in ids):
        raise refuse(
            "ValidationError", "The ids of metrics must be unique and start with a lower-case letter"
        )


@refusal("an alarm's other settings lie within bounds", "cloudwatch", "PutMetricAlarm")
def _settings(parameters: Parameters) -> None:
    datapoints = parameters.get("DatapointsToAlarm")
    if datapoints is not None and not within(datapoints, 1, int(parameters["EvaluationPeriods"])):
        raise refuse("ValidationError", "DatapointsToAlarm must be between 1 and EvaluationPeriods")
    if parameters.get("TreatMissingData", "missing") not in _MISSING_DATA:
        raise refuse("ValidationError", f"TreatMissingData must be one of {sorted(_MISSING_DATA)}")
