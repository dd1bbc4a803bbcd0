"""How what is replaced is replaced: settings of another resource are deleted before they are made anew."""

from typing import Final

import pulumi

SETTINGS: Final = frozenset(
    {
        "aws:apigateway/methodSettings:MethodSettings",
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLogging:BucketLogging",
        "aws:s3/bucketNotification:BucketNotification",
        "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration",
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        "aws:s3/bucketPolicy:BucketPolicy",
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:sqs/queuePolicy:QueuePolicy",
        "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy",
        "aws:sqs/redrivePolicy:RedrivePolicy",
    }
)
"""Types without a name of their own: a bucket, queue, topic or stage has one of each at most, and a topic one for each
address.

Made first, as Pulumi does by default, the new one is the old one, and the old one's delete takes it away: `pulumi up
--replace` would leave a bucket without its public access block, and say that it has one.
"""


def delete_settings_first(
    args: pulumi.ResourceTransformationArgs,
) -> pulumi.ResourceTransformationResult | None:
    """Return a resource with its settings' order of replacement; None for all that are no settings."""
    if args.type_ not in SETTINGS:
        return None
    first = pulumi.ResourceOptions(delete_before_replace=True)
    return pulumi.ResourceTransformationResult(args.props, pulumi.ResourceOptions.merge(args.opts, first))
