"""How quickly messages go to a stack's queue: at a rate, by a share of the functions, and not while others wait."""

from typing import Any

import pytest

from media_pipeline.records.record import Stage
from operations.__main__ import main
from operations.sending import Pace, Sender, Work

QUICK = Work(Stage.IMAGE, 0.0)


class _Queue:
    """A queue whose depth falls only while nobody sends, and its clock."""

    def __init__(self, waiting: int = 0) -> None:
        self.waiting = waiting
        self.now = 0.0
        self.most = waiting

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.waiting)}}

    def send_message(self, **_: Any) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waiting = max(0, self.waiting - int(10 * seconds))


def sender_to(queue: Any, *, max_waiting: int = 1000, **places: float) -> Sender:
    return Sender(
        sqs=queue,
        queue_url="q",
        pace=Pace(rate=100, **{"image": 50.0, "video": 50.0, **places}),
        max_waiting=max_waiting,
        clock=lambda: queue.now,
        sleep=queue.sleep,
    )


@pytest.mark.parametrize("most", [0, 50])
def test_run_holds_back_while_uploads_wait(most: int) -> None:
    queue = _Queue(waiting=120)
    sender = sender_to(queue, max_waiting=most)
    sender.send("{}", QUICK)
    assert queue.now >= (120 - most) / 10 - 1, "until no more than that wait"
    for _ in range(200):
        sender.send("{}", QUICK)
    assert queue.most == 120
    assert queue.waiting <= most + 1


def test_run_keeps_its_share_of_the_functions_busy_and_no_more() -> None:
    queue = _Queue()
    sender = sender_to(queue, image=2.5)
    for _ in range(100):
        sender.send("{}", Work(Stage.IMAGE, 0.5))
    assert queue.now == pytest.approx(99 * 0.5 / 2.5, abs=0.1)


def test_pictures_do_not_wait_for_the_videos_between_them() -> None:
    queue = _Queue()
    sender = sender_to(queue, image=2.0, video=1.0)
    sender.send("{}", Work(Stage.VIDEO, 60.0))
    for _ in range(20):
        sender.send("{}", Work(Stage.IMAGE, 0.5))
    assert queue.now < 6
    sender.send("{}", Work(Stage.VIDEO, 60.0))
    assert queue.now == pytest.approx(60.0, abs=0.1)


@pytest.mark.parametrize("argument", ["--share=0", "--share=1.01", "--max-waiting=-1", "--rate=0"])
def test_pace_that_cannot_be_is_refused(capsys: pytest.CaptureFixture[str], argument: str) -> None:
    with pytest.raises(SystemExit):
        main(["backfill", "--stack", "dev", "--mode", "render", argument])
    assert argument.partition("=")[0] in capsys.readouterr().err
