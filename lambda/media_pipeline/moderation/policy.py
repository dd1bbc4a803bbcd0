"""The moderation policy: combines what Rekognition saw and what the operator allows into a verdict.

Pure: no AWS, no environment. The rules in one place:

* Judged are the returned labels that have no returned descendant as sure as themselves: Rekognition returns
  the ancestors of what it saw as well. An ancestor that is surer than all of them stands for more than they do.
* For each, the nearest entry of `block`, of `review` and of `exempt` is found on its own: the label
  itself, then its ancestors. An exemption as near as a rule, or nearer, lifts that rule.
* A threshold is reached at a confidence equal to it; block beats review; the worst label decides.
* What a file says of its making is a label of its own (`decide_generated`), which no picture shows.
* A label that is not in the taxonomy goes to review from a confidence of `UNKNOWN_LABEL_REVIEW`.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple, cast

from media_pipeline.errors import SettingsError
from media_pipeline.moderation.taxonomy import GENERATED_LABEL, Taxonomy
from media_pipeline.moderation.verdicts import Label, Mode, Verdict

UNKNOWN_LABEL_REVIEW = 50.0  # a label of a newer model is reviewed by a person instead of allowed
DEFAULT_MIN_CONFIDENCE = 50.0  # Rekognition's own default, for a policy that names no number at all
_CERTAIN = 100.0  # percent: the file says so, and nothing is estimated
MANY_SCENES_VERDICTS = (Verdict.ALLOW, Verdict.REVIEW)
_KEYS = frozenset({"mode", "recordFrom", "block", "review", "exempt", "manyScenes"})
_PREFIX, _PATHS = "prefix", "paths"


class Decision(NamedTuple):
    """A verdict and, unless it is `allow` or `off`, a sentence for people that says why."""

    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the operator allows. Names have the taxonomy's spelling, thresholds are in percent."""

    mode: Mode
    record_from: float | None = None
    block: Mapping[str, float] = field(default_factory=dict)
    review: Mapping[str, float] = field(default_factory=dict)
    exempt: tuple[str, ...] = ()
    many_scenes: Verdict = Verdict.ALLOW
    """What an object gets that has many more distinct scenes than judged frames, and nothing worse in these."""
    paths: Mapping[str, "Policy"] = field(default_factory=dict)
    """By prefix of object keys, the policies that take this one's place there; they have no paths of their own."""

    @classmethod
    def parse(cls, document: Mapping[str, object]) -> "Policy":
        """Parse `{"mode", "recordFrom"?, "block"?, "review"?, "exempt"?, "manyScenes"?, "paths"?}`.

        The shape is that of the configuration. `paths` is a list of `{"prefix", ...}` with the same keys but `paths`;
        each that an entry leaves out has the value that it has outside `paths`.
        Raises SettingsError for an unknown key, mode or label, a label named twice, a number outside
        0 to 100, `manyScenes` other than `allow` and `review`, `enforce` with nothing to block, or a prefix that is
        empty or given twice.
        """
        common = {key: value for key, value in document.items() if key != _PATHS}
        paths: dict[str, Policy] = {}
        for number, (prefix, changes) in enumerate(_paths(document.get(_PATHS, ()))):
            if not prefix or prefix in paths:
                raise SettingsError(f"MODERATION.paths[{number}].prefix: {prefix!r} is empty or given twice")
            try:
                paths[prefix] = cls._parse_one({**common, **changes})
            except SettingsError as error:
                raise SettingsError(f"MODERATION.paths[{number}], for {prefix!r}: {error}") from error
        return replace(cls._parse_one(common), paths=MappingProxyType(paths))

    @classmethod
    def _parse_one(cls, document: Mapping[str, object]) -> "Policy":
        if unknown := sorted(set(document) - _KEYS):
            raise SettingsError(
                f"MODERATION: unknown {', '.join(unknown)}; known: {', '.join(sorted(_KEYS))}"
            )
        try:
            mode = Mode(str(document.get("mode")))
        except ValueError as error:
            raise SettingsError(
                f"MODERATION.mode: {document.get('mode')!r} is none of {', '.join(Mode)}"
            ) from error
        record_from = document.get("recordFrom")
        exempt = document.get("exempt", [])
        if not isinstance(exempt, list | tuple):
            raise SettingsError(f"MODERATION.exempt: a list of labels is needed, got {exempt!r}")
        policy = cls(
            mode=mode,
            record_from=None if record_from is None else _percent("recordFrom", record_from),
            block=_rules("block", document.get("block", {})),
            review=_rules("review", document.get("review", {})),
            exempt=tuple(sorted({_known("exempt", name) for name in exempt})),
            many_scenes=_many_scenes(document.get("manyScenes", Verdict.ALLOW)),
        )
        if policy.mode is Mode.ENFORCE and not policy.block:
            raise SettingsError("MODERATION.block: mode enforce needs at least one label to block")
        return policy

    def of(self, key: str) -> "Policy":
        """Return the policy for an object key: that of the longest prefix in `paths`, or this one."""
        prefix = max(filter(key.startswith, self.paths), key=len, default=None)
        return self if prefix is None else self.paths[prefix]

    @property
    def min_confidence(self) -> float:
        """The `MinConfidence` to send to Rekognition: no label below it can matter or is recorded."""
        rules = (*self.block.items(), *self.review.items())
        numbers = [threshold for name, threshold in rules if name != GENERATED_LABEL]
        if self.record_from is not None:
            numbers.append(self.record_from)
        return min(numbers, default=DEFAULT_MIN_CONFIDENCE)

    @property
    def version(self) -> str:
        """Twelve hex digits that identify these rules, without `paths`, in the records; equal rules have equal ones."""
        document: list[object] = [
            self.mode,
            self.record_from,
            dict(self.block),
            dict(self.review),
            sorted(self.exempt),
        ]
        if self.many_scenes is not Verdict.ALLOW:
            document.append({"manyScenes": self.many_scenes})
        canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def withholds(self, verdict: Verdict) -> bool:
        """Whether a picture with this verdict must not be published (in `observe` every one is)."""
        return self.mode is Mode.ENFORCE and verdict in (Verdict.BLOCK, Verdict.REVIEW)


def decide(labels: Sequence[Label], policy: Policy) -> Decision:
    """Return the verdict of `policy` on the labels of one picture; the same in `observe` as in `enforce`."""
    if policy.mode is Mode.OFF:
        return Decision(Verdict.OFF)
    ancestry = _Ancestry(labels)
    judged = [label for label in labels if label.confidence > ancestry.surest_descendant(label)]
    # The label with the highest confidence gives the reason; the name breaks ties, so that order never matters.
    judged.sort(key=lambda label: (-label.confidence, label.name.casefold()))
    return worst(
        [Decision(Verdict.ALLOW), *(_judge(label, ancestry.line(label), policy) for label in judged)]
    )


def decide_many_scenes(judged: int, policy: Policy) -> Decision:
    """Return the verdict on an object with many more distinct scenes than the `judged` frames show."""
    if policy.many_scenes is not Verdict.REVIEW:
        return Decision(policy.many_scenes)
    return Decision(Verdict.REVIEW, f"it has many more distinct scenes than the {judged} judged frames show")


def decide_generated(policy: Policy) -> Decision:
    """Return the verdict on an object that says of itself that a generative model made it, or a part of it."""
    return decide([Label(GENERATED_LABEL, "", _CERTAIN)], policy)


def worst(decisions: Iterable[Decision]) -> Decision:
    """Return the first of the most severe decisions (block > review > allow > off).

    Raises ValueError when there is none: the absence of a decision must never count as an allowing one.
    """
    return max(decisions, key=lambda decision: decision.verdict.severity)


def merge(*answers: Sequence[Label]) -> tuple[Label, ...]:
    """Merge the labels of several pictures: each label once, with its highest confidence."""
    best: dict[str, Label] = {}
    for label in (label for answer in answers for label in answer):
        known = best.get(label.name.casefold())
        if known is None or label.confidence > known.confidence:
            best[label.name.casefold()] = label
    return tuple(sorted(best.values(), key=lambda label: (-label.confidence, label.name)))


class _Ancestry:
    """Ancestors of labels: by the taxonomy, and by the answer itself for names that the taxonomy lacks."""

    def __init__(self, labels: Sequence[Label]) -> None:
        self._parents = {label.name.casefold(): label.parent.casefold() for label in labels if label.parent}
        self._parents |= Taxonomy.load().parents
        self._surest: dict[str, float] = {}
        for label in labels:
            for name in self._walk(label.name.casefold()):
                self._surest[name] = max(self._surest.get(name, -math.inf), label.confidence)

    def _walk(self, name: str) -> Iterator[str]:
        """Yield the ancestors of a case-folded name, nearest first; stop at a cycle in the answer."""
        seen = {name}
        while (name := self._parents.get(name, "")) and name not in seen:
            seen.add(name)
            yield name

    def line(self, label: Label) -> tuple[str, ...]:
        return (label.name.casefold(), *self._walk(label.name.casefold()))

    def surest_descendant(self, label: Label) -> float:
        """Return the highest confidence among the returned descendants of a label; below all where it has none."""
        return self._surest.get(label.name.casefold(), -math.inf)


def _judge(label: Label, line: Sequence[str], policy: Policy) -> Decision:
    if not any(name in Taxonomy.load().names for name in line):
        if label.confidence >= UNKNOWN_LABEL_REVIEW:
            why = f"{label.name} {label.confidence:.1f} is a label that this version's taxonomy does not know"
            return Decision(Verdict.REVIEW, why)
        return Decision(Verdict.ALLOW)
    exempt, _ = _nearest(line, policy.exempt)
    for verdict, rules in ((Verdict.BLOCK, policy.block), (Verdict.REVIEW, policy.review)):
        distance, name = _nearest(line, rules)
        if distance < exempt and label.confidence >= rules[name]:
            rule = "" if name.casefold() == line[0] else f" for {name}"
            threshold = f"{verdict} threshold of {rules[name]:g}{rule}"
            return Decision(verdict, f"{label.name} {label.confidence:.1f} reached the {threshold}")
    return Decision(Verdict.ALLOW)


def _nearest(line: Sequence[str], names: Iterable[str]) -> tuple[float, str]:
    """Return the number of steps up `line` to the nearest of `names`, and that name; infinity if none is on it."""
    return min(
        ((line.index(name.casefold()), name) for name in names if name.casefold() in line),
        default=(math.inf, ""),
    )


def _paths(entries: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield each entry's prefix, and what it changes."""
    if not isinstance(entries, list | tuple):
        raise SettingsError(f"MODERATION.paths: a list of objects is needed, got {entries!r}")
    for entry in entries:
        if not isinstance(entry, Mapping):
            raise SettingsError(f"MODERATION.paths: an object with a prefix is needed, got {entry!r}")
        changes = {str(key): value for key, value in entry.items()}
        yield str(changes.pop(_PREFIX, "")), changes


def _many_scenes(value: object) -> Verdict:
    if value not in MANY_SCENES_VERDICTS:
        raise SettingsError(f"MODERATION.manyScenes: {value!r} is none of {', '.join(MANY_SCENES_VERDICTS)}")
    return Verdict(str(value))


def _rules(key: str, rules: object) -> Mapping[str, float]:
    if not isinstance(rules, Mapping):
        raise SettingsError(f"MODERATION.{key}: an object of label and threshold is needed, got {rules!r}")
    parsed: dict[str, float] = {}
    for name, threshold in cast(Mapping[object, object], rules).items():
        spelled = _known(key, name)
        if spelled in parsed:
            raise SettingsError(f"MODERATION.{key}: {spelled} is named twice")
        parsed[spelled] = _percent(f"{key}.{spelled}", threshold)
    return MappingProxyType(parsed)


def _known(key: str, name: object) -> str:
    spelled = Taxonomy.load().names.get(str(name).casefold())
    if spelled is None:
        raise SettingsError(f"MODERATION.{key}: Rekognition's moderation model has no label {name!r}")
    return spelled


def _percent(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise SettingsError(f"MODERATION.{key}: a number from 0 to 100 is needed, got {value!r}")
    return float(value)
