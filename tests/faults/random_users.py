"""Users who upload, overwrite, delete and undelete at random, for `make soak`; what they do first, and weeks later."""

import random
from functools import partial

from tests.faults.fault_profile import FaultProfile
from tests.faults.history import Upload
from tests.faults.odd_keys import ODD_KEYS
from tests.faults.sample_uploads import Content
from tests.faults.scenarios import DAY
from tests.faults.simulation import Simulation

OBJECTS = 40
LATER_OBJECTS = 8  # of them, weeks after the others
KEYS = 24
ODD_KEYS_PER_SEED = 4
KINDS = (Content.CLEAN,) * 5 + (Content.WEAPON,) * 2 + (Content.FIGHT,) * 2 + (Content.HIDDEN,)
VIDEOS = (Content.VIDEO, Content.VIDEO, Content.WEAPON_VIDEO)
VIDEO_SHARE = 0.2
REJECTED_KINDS = (Content.CORRUPT, Content.EMPTY, Content.TEXT, Content.BROKEN_VIDEO, Content.POISON)
REJECTED_SHARE = 0.15
EARLY_DELETE_SHARE = 0.25
UNDELETE_SHARE = 0.4  # of deletes
STRANGE_SHARE = 0.3
ANIMATION_SHARE = 0.01  # it takes far longer to render than everything else
STRANGE_MESSAGES = ('{"Event": "s3:TestEvent"}', "no JSON", '{"Records": []}', '{"Records": [{}]}')
ACTIVE = 5_400.0  # virtual seconds in which users upload and faults occur
LATER = (
    20 * DAY
)  # until users come back: records of replaced versions may be gone, late messages may still come


class RandomUsers:
    """Users of one run; what they do depends on its seed alone."""

    def __init__(self, run: Simulation, profile: FaultProfile) -> None:
        self._run = run
        self._profile = profile
        self._uploads: list[Upload] = []
        rng = run.rng
        names = ("a/{}.jpg", "b ü+{}.png", "{}", "deep/er/{} (1).webp")
        self._keys = [rng.choice(names).format(number) for number in range(KEYS - ODD_KEYS_PER_SEED)]
        self._keys += rng.sample(sorted(ODD_KEYS.values()), ODD_KEYS_PER_SEED)

    def schedule(self) -> None:
        """Schedule what they do at first."""
        run, rng = self._run, self._run.rng
        if self._profile.suspended:
            begins, ends = self._profile.suspended
            run.clock.after(begins, partial(run.stack.set_versioning, "Suspended"))
            run.clock.after(ends, partial(run.stack.set_versioning, "Enabled"))
        self._schedule_uploads(range(OBJECTS - LATER_OBJECTS), ACTIVE)
        for _ in range(rng.randint(0, 6)):
            run.clock.after(rng.uniform(0, ACTIVE), partial(self._delete, rng.choice(self._keys)))
        for body in STRANGE_MESSAGES:
            if rng.random() < STRANGE_SHARE:
                run.clock.after(rng.uniform(0, ACTIVE), partial(run.queues["images"].send, body))

    def come_back(self) -> None:
        """Let weeks pass in which records expire, then upload, delete and undelete again; S3 repeats old events."""
        run, rng = self._run, self._run.rng
        run.pass_time(LATER)
        run.expire(rng.choice((0.5, 1.0)))
        self._schedule_uploads(range(OBJECTS - LATER_OBJECTS, OBJECTS), ACTIVE)
        for _ in range(rng.randint(2, 6)):
            act = rng.choice((self._delete_version, self._delete_any, self._undelete_any, self._repeat_event))
            run.clock.after(rng.uniform(0, ACTIVE), act)
        run.run()
        run.pass_time(LATER)
        run.expire(rng.choice((0.5, 1.0)))

    def _schedule_uploads(self, numbers: range, seconds: float) -> None:
        run, rng = self._run, self._run.rng
        for number in numbers:
            kind = _kind(rng)
            at, key = rng.uniform(0, seconds), rng.choice(self._keys)
            run.clock.after(at, partial(self._put, key, kind, number))
            if rng.random() < EARLY_DELETE_SHARE:  # delete it again while it is processed
                act = rng.choice((partial(self._delete, key), self._delete_version))
                run.clock.after(at + rng.uniform(0.2, 5.0), act)

    def _put(self, key: str, kind: Content, number: int) -> None:
        run, rng = self._run, self._run.rng
        # S3 consoles show a folder by an empty object, and two empty null versions are one and the same.
        if kind is Content.EMPTY and (key.endswith("/") or run.stack.is_suspended):
            kind = Content.TEXT
        lacks_sequencer = rng.random() < self._profile.without_sequencer
        upload = run.put(key, kind, number, without=("sequencer",) if lacks_sequencer else ())
        self._uploads.append(upload)
        if lacks_sequencer and rng.random() < 0.5:
            run.clock.after(rng.uniform(0.5, 600.0), partial(run.send_event_of, upload))

    def _delete(self, key: str) -> None:
        if not any(upload.key == key for upload in self._uploads):
            return
        self._run.delete(key)
        if self._run.rng.random() < UNDELETE_SHARE:
            self._run.clock.after(self._run.rng.choice((0.3, 5.0, 600.0)), partial(self._undelete, key))

    def _undelete(self, key: str) -> None:
        self._run.undelete(key)

    def _delete_any(self) -> None:
        self._delete(self._run.rng.choice(self._keys))

    def _undelete_any(self) -> None:
        marked = [key for key in self._keys if self._run.stack.current_marker(key)]
        if marked:
            self._run.undelete(self._run.rng.choice(marked))

    def _repeat_event(self) -> None:
        self._run.send_event_of(self._run.rng.choice(self._uploads))

    def _delete_version(self) -> None:
        # A version that was moved to quarantine can no longer be deleted by a user.
        read = self._run.stack.read_version
        there = [one for one in self._uploads if not one.deleted and read(one.key, one.version) is not None]
        if there:
            self._run.delete_version(self._run.rng.choice(there))


def _kind(rng: random.Random) -> Content:
    share = rng.random()
    if share > 1 - ANIMATION_SHARE:
        return Content.LONG_FRAME
    if share < REJECTED_SHARE:
        return rng.choice(REJECTED_KINDS)
    return rng.choice(VIDEOS if share < REJECTED_SHARE + VIDEO_SHARE else KINDS)
