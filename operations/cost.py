"""What was processed has cost, at list prices: in total, by rule, by prefix, and what a month like it would cost."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from components.config_model import StackConfig
from components.environment import METRICS_NAMESPACE
from components.function_specs import FUNCTIONS
from operations.ages import epoch
from operations.billed import judged, units
from operations.prices import Prices
from operations.what_if import label_in

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricTypeDef

DAY: Final = 86_400.0
MONTH_DAYS: Final = 30
POLLS_A_MONTH: Final = 3 * 60 * 24 * MONTH_DAYS
"""Of one poller of an empty queue, which asks three times a minute (docs/adr/0041)."""
LEAST_SPAN: Final = DAY
"""Seconds of records that a forecast needs: uploads of an hour say nothing about a month."""
TOP_LEVEL: Final = "(no prefix)"
NO_RECORD: Final = "(in no record)"
"""Requests to Rekognition of attempts that were killed before they wrote the answer down, or that asked again."""
INVALIDATIONS: Final = "(invalidations)"
"""What CloudFront was asked to forget, which no record tells."""
KEPT_SECONDS: Final = ((15 * DAY, 60), (63 * DAY, 300), (455 * DAY, 3600))
"""How long CloudWatch keeps metrics at periods of so many seconds ("Metrics retention", CloudWatch User Guide)."""


@dataclass
class Spent:
    """Objects, and what AWS billed for them."""

    objects: int = 0
    units: dict[str, float] = field(default_factory=dict)

    @property
    def dollars(self) -> float:
        """USD at list prices, without storage and transfer."""
        return Prices.read().cost(self.units)

    def add(self, billed: Mapping[str, float]) -> None:
        """Add an object."""
        self.objects += 1
        self.bill(billed)

    def bill(self, billed: Mapping[str, float]) -> None:
        """Add units that belong to no further object."""
        for kind, count in billed.items():
            self.units[kind] = self.units.get(kind, 0) + count


@dataclass(kw_only=True)
class Costs:
    """What the scan of the records found so far; the clock gives epoch seconds."""

    config: StackConfig
    alarm_metrics: int = 0
    """Metrics that the stack's alarms watch; each is billed every month."""
    total: Spent = field(default_factory=Spent)
    by_rule: defaultdict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    by_prefix: defaultdict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    reused: int = 0
    """Judged pictures whose answer Rekognition gave to an earlier upload."""
    stored_bytes: float = 0
    """Of the listed renditions."""
    unrecorded: int = 0
    """Requests to Rekognition that no record shows."""
    invalidations: int = 0
    """How often CloudFront was asked to forget what was removed; each counts as one path."""
    first: float | None = None
    """When the first of them was finished, in epoch seconds."""

    @classmethod
    def of(
        cls, records: Iterable[Mapping[str, Any]], config: StackConfig, *, alarm_metrics: int = 0
    ) -> "Costs":
        """Add all records up, given in plain values with the attributes of `billed.READ`."""
        costs = cls(config=config, alarm_metrics=alarm_metrics)
        for record in records:
            costs.add(record)
        return costs

    def add(self, record: Mapping[str, Any]) -> None:
        """Add what one record says."""
        billed = units(record, self.config)
        self.total.add(billed)
        self.by_rule[_rule(record)].add(billed)
        self.by_prefix[_prefix(str(record["object_key"]))].add(billed)
        self.reused += judged(record)[1]
        self.stored_bytes += sum(float(each.get("bytes") or 0) for each in record.get("renditions") or ())
        if finished := record.get("finished_at"):
            at = epoch(str(finished))
            self.first = at if self.first is None else min(self.first, at)

    def count_requests(self, requests: int) -> None:
        """Add the requests to Rekognition that were counted beyond those that the records show.

        A metric counts each before it is sent; a record shows only what its attempts lived to write down.
        """
        unrecorded = requests - int(self.total.units.get("rekognition_request", 0))
        if unrecorded > 0:
            self.unrecorded = unrecorded
            for spent in (self.total, self.by_rule[NO_RECORD], self.by_prefix[NO_RECORD]):
                spent.bill({"rekognition_request": unrecorded})

    def count_invalidations(self, made: int) -> None:
        """Add what CloudFront was asked to forget."""
        self.invalidations = made
        if made:
            for spent in (self.total, self.by_rule[INVALIDATIONS], self.by_prefix[INVALIDATIONS]):
                spent.bill({"invalidation_path": made})

    @property
    def saved(self) -> float:
        """USD that Rekognition was not paid, since it had judged the same pictures before."""
        return Prices.read().cost({"rekognition_request": self.reused})

    @property
    def per_thousand(self) -> float:
        """USD for 1,000 objects like these; 0 without objects."""
        return 1000 * self.total.dollars / self.total.objects if self.total.objects else 0.0

    def month(self, *, since: float | None, now: float) -> float | None:
        """Return the USD of a month of 30 days like the time `since` then, or since the first object.

        Without what an idle stack costs; None where the time is too short. Times are epoch seconds.
        """
        began = since if since is not None else self.first
        if began is None or not self.total.objects or now - began < LEAST_SPAN:
            return None
        return self.total.dollars * MONTH_DAYS * DAY / (now - began)

    def document(self, *, since: float | None, now: float | None = None) -> dict[str, Any]:
        """Return everything as one JSON object, in USD."""
        now = time.time() if now is None else now
        prices = Prices.read()
        month = self.month(since=since, now=now)
        return {
            "prices": prices.date.isoformat(),
            "objects": self.total.objects,
            "judged": int(self.total.units.get("rekognition_request", 0)),
            "in_no_record": self.unrecorded,
            "invalidations": self.invalidations,
            "total": self.total.dollars,
            "per_1000": self.per_thousand,
            "by_service": prices.by_service(self.total.units),
            "by_rule": _by_name(self.by_rule),
            "by_prefix": _by_name(self.by_prefix),
            "reused": self.reused,
            "saved": self.saved,
            "stored_gigabytes": self.stored_bytes / 1e9,
            "storage_a_month": prices.cost({"s3_gigabyte_month": self.stored_bytes / 1e9}),
            "month": month,
            "idle_month": prices.cost(idle_units(self.config, self.alarm_metrics)),
        }

    def lines(self, *, since: float | None, now: float | None = None) -> Iterator[str]:
        """Say it to a person."""
        found, prices = self.document(since=since, now=now), Prices.read()
        yield (
            f"{found['objects']:,} objects, {found['judged']:,} pictures judged: {found['total']:,.2f} USD at the list"
            f" prices of {found['prices']}; {found['per_1000']:,.2f} USD per 1,000 objects."
        )
        services = [(name, dollars) for name, dollars in found["by_service"].items() if dollars]
        yield "by service: " + (
            ", ".join(f"{name} {_usd(dollars)}" for name, dollars in services) or "nothing"
        )
        for heading, rows in (("by rule", found["by_rule"]), ("by prefix", found["by_prefix"])):
            yield f"{heading}:"
            for name, row in rows.items():
                yield f"{_usd(row['dollars']):>12}  {row['objects']:>9,}  {name}"
        if found["in_no_record"]:
            yield (
                f"{found['in_no_record']:,} of the judged pictures are in no record: their attempts were cut off, asked"
                " again, or their records were removed"
            )
        if found["invalidations"]:
            yield (
                f"CloudFront was asked {found['invalidations']:,} times to forget what was removed, each counted"
                f" as one path; {prices.free['invalidation_paths']:,} paths a month are free"
            )
        yield (f"saved: {found['saved']:,.2f} USD, since {found['reused']:,} pictures had been judged before")
        yield (
            f"renditions: {found['stored_gigabytes']:,.2f} GB, {found['storage_a_month']:,.2f} USD a month for storage"
        )
        if found["month"] is None:
            yield "forecast: none; it takes a day of records"
        else:
            yield f"forecast: {found['month']:,.2f} USD in 30 days like these"
        yield f"idle: {found['idle_month']:,.2f} USD a month for alarms and polling, whatever is uploaded"


def alarm_metrics(cloudwatch: "CloudWatchClient", service: str) -> int:
    """Return how many metrics the alarms of a stack watch; CloudWatch bills each. Raises what boto3 raises."""
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{service}-")
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    return sum(sum("MetricStat" in query for query in alarm.get("Metrics", ())) or 1 for alarm in alarms)


def requests_counted(
    cloudwatch: "CloudWatchClient", service: str, *, since: float, now: float | None = None
) -> int:
    """Return how many requests to Rekognition a stack's metric counts since then, in epoch seconds.

    CloudWatch keeps metrics for 455 days, and adds what was printed within a minute or two. Raises what boto3 raises.
    """
    now = time.time() if now is None else now
    period = next((seconds for kept, seconds in KEPT_SECONDS if now - since <= kept), KEPT_SECONDS[-1][1])
    begin = max(since, now - KEPT_SECONDS[-1][0]) // period * period
    metric: MetricTypeDef = {
        "Namespace": METRICS_NAMESPACE,
        "MetricName": "PicturesJudged",
        "Dimensions": [{"Name": "service", "Value": service}],
    }
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[
            {"Id": "requests", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}
        ],
        StartTime=datetime.fromtimestamp(begin, UTC),
        EndTime=datetime.fromtimestamp(now, UTC),
    )
    return round(sum(sum(found["Values"]) for page in pages for found in page["MetricDataResults"]))


def idle_units(config: StackConfig, alarm_metrics: int) -> dict[str, float]:
    """Return what AWS bills a month for a stack without uploads: polling, and alarms on so many metrics."""
    pollers = sum(
        poll.idle_pollers() for spec in FUNCTIONS if spec.is_deployed(config) for poll in spec.polls(config)
    )
    return {"sqs_request": pollers * POLLS_A_MONTH, "alarm_metric_month": alarm_metrics}


def _rule(record: Mapping[str, Any]) -> str:
    """Return the label whose rule struck, or what else became of an object."""
    moderation = record.get("moderation") or {}
    if moderation.get("verdict") in ("block", "review"):
        return f"{moderation['verdict']} {label_in(moderation.get('reason')) or 'without a label'}"
    return "allowed" if moderation.get("verdict") == "allow" else str(record["status"]).lower()


def _prefix(key: str) -> str:
    first, slash, _ = key.partition("/")
    return first + slash if slash else TOP_LEVEL


def _by_name(found: Mapping[str, Spent]) -> dict[str, dict[str, float]]:
    rows = sorted(found.items(), key=lambda pair: (-pair[1].dollars, pair[0]))
    return {name: {"objects": spent.objects, "dollars": spent.dollars} for name, spent in rows}


def _usd(dollars: float) -> str:
    return f"{dollars:,.2f}" if dollars >= 0.01 or not dollars else f"{dollars:.5f}"
