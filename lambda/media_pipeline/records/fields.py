"""Every field of a record, for docs/reference/record.md; no function imports this.

The unit tests compare every write with it, so that a field cannot be added without its meaning.
"""

from collections.abc import Mapping
from types import MappingProxyType

FIELDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "object_key": ("string", "Partition key: the object's key in the uploads bucket, decoded"),
        "sequencer": (
            "string",
            "Sort key: S3's order of the key's events, as 32 hexadecimal digits; the newest record is the last",
        ),
        "status": ("string", "One of the [statuses](statuses.md)"),
        "reason": ("string", "One of the [reasons](reasons.md), where nothing was published"),
        "detail": ("string", "A sentence for people about `reason`"),
        "version_id": ("string", "The original's version in the uploads bucket"),
        "etag": ("string", "The original's ETag"),
        "sha256": ("string", "The original's SHA-256, in hexadecimal digits"),
        "bytes": ("number", "The original's length"),
        "content_type": ("string", "The original's type, as recognised from its bytes"),
        "width": ("number", "The original's width in pixels, upright; not of what is withheld"),
        "height": ("number", "The original's height in pixels, upright; not of what is withheld"),
        "frames": ("number", "Frames of a picture: more than 1 for an animation"),
        "exif": ("map", "`camera` and `taken_at`, where known; never a location"),
        "provenance": (
            "map",
            "Only where the original says, unverified, that a generative model made it or a part of it: "
            "`digital_source_types`, terms of IPTC's vocabulary (`trainedAlgorithmicMedia`, "
            "`compositeWithTrainedAlgorithmicMedia`), and `standards` that say so (`c2pa`, `xmp`)",
        ),
        "duration": ("number", "Seconds, of a video"),
        "frame_rate": ("number", "Frames per second, of a video"),
        "codec": ("string", "Codec of a video's pictures"),
        "sound": ("string or boolean", "Codec of a video's sound; `false` without sound"),
        "dropped_sound": (
            "string",
            "Codec or channels of a video's sound that is not accepted: the video is published without it",
        ),
        "renditions": (
            "list of maps",
            "What is published: `name`, `format`, `width`, `height`, `bytes`, `key` in the renditions bucket, and with "
            "`delivery.cdn` the `url` at CloudFront",
        ),
        "placeholder": ("string", "ThumbHash in Base64, of what is published"),
        "dominant_colour": ("string", "`#rrggbb`, of what is published"),
        "pdq": (
            "string",
            "PDQ hash of what is published, in 64 hexadecimal digits: of a picture, of an animation's first frame, or "
            "of a video's poster. Those of copies differ in few bits",
        ),
        "pdq_quality": ("number", "How much `pdq` says, from 0 to 100; below 50 it says nothing"),
        "moderation": (
            "map",
            "`verdict`, `mode`, `reason`, `labels` with `name`, `parent` and `confidence`, `frames` of a video with "
            "`time` and `labels`, `pictures` of anything else with `labels`, both with the `sha256` of the judged "
            "JPEG; `judged` (their number), `to_judge` (how many there were to judge: one that is blocked saves the "
            "requests about the others), `asked_from` (the least confidence asked for), `model_version`, "
            "`policy_version`, `many_scenes` where a video has many more distinct scenes than judged frames, "
            "`generated` where the file says that a model made it, `known` where an entry of the hash list decided "
            "(`list_id`, `kind`, and of `pdq` the `distance`), and "
            "`reused` (how many of the pictures needed no request, since an earlier upload had the same ones; each "
            "of these has `reused: true`). Confidences are rounded to hundredths in `labels` of the whole object",
        ),
        "decision": (
            "map",
            "What a person asked for last: `id` (a ULID), `action` (`approve`, `reject`, `withdraw`, `restore`, "
            "`escalate` or `release`), `person`, `at`, `sha256` of the original that it is about, `policy_version` of "
            "the verdict that the person saw; where given `reason`, `note`, `seen` (whether the person looked at the "
            "picture) and `seconds`",
        ),
        "decisions": ("list of maps", "Earlier decisions in the same form, the newest last, at most 20"),
        "approvals": (
            "list of maps",
            "Where more than one person must approve: the approvals so far, with `person`, `at` and `id` of the "
            "evidence; the one with the `id` of `decision` completed them",
        ),
        "carried_out": ("string", "`id` of the decision that was carried out last"),
        "decided_from": (
            "map",
            "While a decision is carried out: `status`, `reason` and `detail` that the record had before",
        ),
        "hold": (
            "map",
            "`person`, `at` and `reason` of who escalated it: what quarantine holds of it stays until it is released",
        ),
        "appeal": (
            "map",
            "The uploader's appeal against what was blocked: `at`, `text`, `state` (`open`; `upheld` where the "
            "decision against it stays; or `overturned`), and `decided_at` once a person decided",
        ),
        "check": (
            "boolean",
            "`true` where it is among those that a person checks although the policy allowed them",
        ),
        "checked": (
            "map",
            "That a person checked it: `id`, `person`, `action` (`approve`, or `withdraw` where it should not have "
            "been published), `at`",
        ),
        "second": (
            "list of maps",
            "What another person would have decided, at a second look that changed nothing: `id`, `person`, `action`, "
            "`at`",
        ),
        "rework": (
            "map",
            "Work on a version while it stays published: `id` of the message, `mode` (`render`, `decide` or `ask`), "
            "`attempt`, `renditions` (keys that are about to be put), and while an invocation works on it `owner` and "
            "`lease_until` in epoch seconds; `ended` says why nothing was changed",
        ),
        "old_renditions": (
            "list of strings",
            "Keys of renditions that a rework replaced; they are removed once links to them have expired",
        ),
        "original": (
            "string",
            "`quarantine` once the original was moved there, where it stays until it expires; absent before",
        ),
        "review": (
            "list of maps",
            "The judged pictures in quarantine, for reviewers, of what is withheld or checked: `key` in that bucket, "
            "`sha256` of the judged JPEG as in `moderation`, and `time` in a video; they have at most 1,024 px a side",
        ),
        "answers": (
            "map",
            "Rekognition's answers to an attempt that ended without a verdict, so that the next one need not pay for "
            "them again: `pictures`, `asked_from` and `model_version` as in `moderation`",
        ),
        "answer": (
            "map",
            "In the items of the cache, whose sequencer is `!answer` and whose key is `!answers/` with the SHA-256 of "
            "a judged JPEG: `labels`, `asked_from`, `model_version`, and `asked_at` in epoch seconds",
        ),
        "model_version": (
            "string",
            "In the cache's item `!answers/model`: the newest version of Rekognition's model that answered",
        ),
        "model_order": ("string", "In the same item: the version in a form that sorts as versions do"),
        "noted_at": ("number", "In the same item: when it was written, in epoch seconds"),
        "judged": (
            "number",
            "In the item of a day's budget, whose sequencer is `!budget` and whose key is `!budget/` with the day: for "
            "how many pictures Rekognition was asked; beside it `allowed`, where a person gave the day another budget",
        ),
        "kind": (
            "string",
            "In an entry of the hash list, whose key is `!hashes` and whose sequencer is `!hash/` with the entry's id "
            "(a ULID): `sha256` of an original, or `pdq` of a picture",
        ),
        "value": ("string", "In the same item: the hash in 64 hexadecimal digits"),
        "variants": (
            "list of strings",
            "In the same item: hashes of the picture mirrored and evenly cropped, which count as well",
        ),
        "action": ("string", "In the same item: `block` or `review`"),
        "person": ("string", "In the same item: who added the entry"),
        "at": ("string", "In the same item: when, in UTC, ISO 8601 with milliseconds"),
        "source_key_sha256": (
            "string",
            "In the same item: SHA-256 of the object key that the hash was taken from, where it was",
        ),
        "removes": (
            "string",
            "In the note about an entry of the hash list that was removed, under the same key: the entry's id",
        ),
        "followed_by": (
            "string",
            "Sequencer of the newer record that took this one's place: readers ignore this one",
        ),
        "undone": (
            "boolean",
            "`true` in the record of a delete marker that was removed again: readers ignore it",
        ),
        "forgotten": (
            "boolean",
            "`true` where `operations forget` emptied the record, or a late event ended below such a one: it expires",
        ),
        "deleted_until": (
            "string",
            "In the note about deleted versions called `null`: the sequencer before which all of them are gone",
        ),
        "held_by": (
            "string",
            "In the note about a version with two records, whose sequencer begins with `!judged/`: the sequencer of "
            "the record that has its verdict",
        ),
        "restored_version": (
            "string",
            "Version id, else ETag, of the version that the removed delete marker had hidden; empty for none",
        ),
        "restored_attempt": ("number", "`attempt` of the version that the removed delete marker had hidden"),
        "comes_back": ("boolean", "Set while the version is to be shown again, since a delete was undone"),
        "attempt": ("number", "How many attempts began"),
        "unfinished": ("number", "How many attempts in a row ended in decoding without finishing"),
        "decoding": ("boolean", "Set while an attempt decodes"),
        "stage": ("string", "The function that an open record waits for: `image` or `video`"),
        "owner": ("string", "The invocation that holds the lease"),
        "lease_until": ("number", "Epoch seconds until which `owner` works on it; 0 for none"),
        "delete_marker": ("boolean", "`true` in the record of a delete marker"),
        "unlisted": (
            "boolean",
            "`true` in the record of a delete marker that removed renditions whose own record had expired, with "
            "`delivery.cdn` only: a repeated attempt has CloudFront forget all below the key",
        ),
        "attention": (
            "string",
            "Why somebody must act, the key of the index `attention`: `REVIEW` and `FAILED` as in `status`, `APPEAL`, "
            "`CHECK`, `SECOND` for a second look, `ESCALATED` while it is held, `DECIDED` while the functions have not "
            "begun to carry out what was decided about anything else",
        ),
        "alert_id": ("string", "Id of the outcome's announcement; repetitions have the same"),
        "announced_at": ("string", "When the outcome was announced"),
        "request_id": ("string", "Lambda request of the last attempt"),
        "trace_id": ("string", "X-Ray trace of the last attempt"),
        "milliseconds": ("map", "Time of the last attempt by step, and its `total`"),
        "pipeline_version": ("string", "Version of the pipeline that processed it"),
        "uploaded_at": (
            "string",
            "When S3 finished the upload, in the form of `created_at`; absent where its event did not say so",
        ),
        "created_at": ("string", "When the record was written first: UTC, ISO 8601 with milliseconds"),
        "updated_at": ("string", "When it was written last, in the same form"),
        "finished_at": ("string", "When it became terminal, in the same form"),
        "expires_at": (
            "number",
            "Epoch seconds at which DynamoDB deletes it, unless `retention.records` is 0",
        ),
    }
)
