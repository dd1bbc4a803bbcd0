"""Manual changes are shown by a refresh and repaired by the next up."""

from tests.engine.operator_session import NO_CHANGES, Change, OperatorSession


def test_manual_changes_are_shown_by_a_refresh_and_repaired_by_up(deployed: OperatorSession) -> None:
    name = f"media-pipeline-{deployed.stack}"
    outputs = deployed.outputs()
    functions, queues = deployed.aws.client("lambda"), deployed.aws.client("sqs")
    function, queue = outputs["process_image_function"], outputs["images_queue_url"]
    functions.update_function_configuration(FunctionName=function, MemorySize=3000)
    queues.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "60"})
    deployed.aws.client("s3").delete_bucket_policy(Bucket=outputs["renditions_bucket"])
    topics = deployed.aws.client("sns")
    topics.tag_resource(ResourceArn=outputs["events_topic_arn"], Tags=[{"Key": "Stack", "Value": "mine"}])

    assert deployed.preview() == NO_CHANGES, "a plain preview believes its state"
    shown = deployed.preview("--refresh")
    assert shown[f"{name}-process-image"] == Change("update", ("memorySize",))
    assert shown[f"{name}-images"] == Change("update", ("visibilityTimeoutSeconds",))
    assert shown[f"{name}-events"] == Change("update", ("tagsAll.Stack",))
    assert shown[f"{name}-renditions-policy"].op == "create"
    assert len(shown) == 4

    deployed.up("--refresh")
    assert functions.get_function_configuration(FunctionName=function)["MemorySize"] == 1769
    attributes = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])
    assert attributes["Attributes"]["VisibilityTimeout"] != "60"
    deployed.pulumi("refresh", "--preview-only", "--expect-no-changes")
