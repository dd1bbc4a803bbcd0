"""SQS's age of the oldest message: a message that was received three times is not in it any more."""

import time

import pytest

from embedded_aws.world import World


def test_the_age_of_a_queue_leaves_out_what_was_received_three_times(world: World) -> None:
    sqs = world.client("sqs")
    url = sqs.create_queue(QueueName="work")["QueueUrl"]
    assert world.oldest_message_age(url, time.time()) == 0
    sqs.send_message(QueueUrl=url, MessageBody="fails")
    in_an_hour = time.time() + 3600
    for _ in range(2):
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
        assert world.oldest_message_age(url, in_an_hour) == pytest.approx(3600, abs=5)
    sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    assert world.oldest_message_age(url, in_an_hour) == 0
    sqs.send_message(QueueUrl=url, MessageBody="waits")
    assert world.oldest_message_age(url, in_an_hour) == pytest.approx(3600, abs=5)
