"""What AWS and WebP allow, each bound with its source, so that a wrong value is refused before AWS refuses it."""

# Lambda Developer Guide, "Lambda quotas".
LAMBDA_MEMORY_MB = (128, 10_240)
# An upload gets half of the memory without what the idle function takes: a picture or a frame of a megapixel has to
# fit, of any kind. Tests compute both from the functions' own estimates.
IMAGE_MEMORY_MB = (360, LAMBDA_MEMORY_MB[1])
VIDEO_MEMORY_MB = (414, LAMBDA_MEMORY_MB[1])
NEW_ACCOUNT_MEMORY_MB = 3_008
"""The most in a new account, until AWS raises it; the configuration takes more, and the preflight warns."""
LAMBDA_TIMEOUT_SECONDS = (15, 900)
"""Lambda takes 1 s; below 15 s the calls of one step, retries included, do not fit into half of the time-out."""
LATE_MESSAGE_DAYS = 28
"""A message about a version may come so late: 14 days in a queue and as a dead letter, and redriven once."""
LAMBDA_ENVIRONMENT_BYTES = 4096
LAMBDA_UNZIPPED_BYTES = 250 * 1024 * 1024
LAMBDA_EPHEMERAL_MB = (512, 10_240)  # of /tmp

# SQS Developer Guide and Lambda Developer Guide, "Using Lambda with Amazon SQS".
VISIBILITY_TIMEOUT_FACTOR = 6  # AWS: at least six times the function's time-out
MAPPING_CONCURRENCY = (2, 1000)  # ScalingConfig.MaximumConcurrency
SQS_VISIBILITY_SECONDS = (0, 43_200)

# CloudWatch Logs API Reference, PutRetentionPolicy; 0 means "never expire".
LOG_RETENTION_DAYS = (
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096,
    1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip

# S3 lifecycle and DynamoDB TTL accept any number of days; more than a century is a typing mistake.
RETENTION_DAYS = (0, 36_500)
LOCKED_DAYS = (0, 36_500)  # S3's own bound of a default retention is 100 years
JUDGED_PER_DAY = (0, 1_000_000_000)  # a million dollars a day
MONTHLY_DOLLARS = (0, 100_000_000)
BUDGET_ADDRESSES = 10  # AWS Cost Management User Guide, "Quotas": e-mail subscribers of a notification
# Rekognition's models change without a new version in the answer as well: an answer that is a year old is none.
CACHE_DAYS = (0, 365)
# Regulation (EU) 2022/2065, article 20, has appeals for at least six months; who waits longer appeals no more.
APPEAL_DAYS = (0, 365)
# More than a handful of people never agree in time; a typing mistake would leave nothing approvable.
APPROVALS = (1, 5)
# As long as SQS allows, from when a message was first sent, also for one that became a dead letter: a large import
# takes days, and what expires in a queue is lost. Its original must exist until then.
QUEUE_RETENTION_DAYS = 14
ORIGINALS_RETENTION_DAYS = (QUEUE_RETENTION_DAYS, 36_500)

# WebP container specification: 14 bits per side. The largest edge that every format here can have.
EDGE_PIXELS = (1, 16_383)
# The largest object that one PUT can create (Amazon S3 User Guide): a larger limit would have no effect.
OBJECT_BYTES = (1, 5 * 1024**3)
PIXELS = (1, 1_000_000_000)
FRAMES = (1, 10_000)
QUALITY = (1, 100)
PERCENT = (0, 100)

# /tmp holds a video and its rendition, besides the 512 MB that every function has: a larger video does not fit.
VIDEO_BYTES = (1, (LAMBDA_EPHEMERAL_MB[1] - LAMBDA_EPHEMERAL_MB[0]) // 2 * 1024**2)
VIDEO_SECONDS = (1, 14_400)  # four hours: far more than can be transcoded in Lambda's 15 minutes
VIDEO_HEIGHT = (16, 4320)  # H.264: one macroblock, and the most lines of the highest level
MODERATION_FRAMES = (2, 200)  # the first and the last always; each is one billed request

# API Gateway Developer Guide, "Quotas": the account's throttle, which no usage plan lifts.
API_RATE = (1, 10_000)  # requests per second
API_BURST = (1, 5_000)
API_QUOTA = (1, 864_000_000)  # per day, at the highest rate: more could not be used

# A stack's name is part of every resource's name. IAM's 64 characters of a role leave this many beside
# "media-pipeline-", "-log-notification-role" and the eight characters that Pulumi appends.
PIPELINE_NAME_LENGTH = 14  # of the project's own name, with which the lengths below are counted
STACK_NAME_LENGTH = 19

# AWS General Reference, "Amazon Rekognition endpoints and quotas" (botocore 1.44 lists the same;
# a test compares). DetectModerationLabels is served wherever Rekognition Image is.
REKOGNITION_REGIONS = (
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ap-southeast-5",
    "ap-southeast-7", "ca-central-1", "eu-central-1", "eu-south-2", "eu-west-1", "eu-west-2", "il-central-1",
    "sa-east-1", "us-east-1", "us-east-2", "us-gov-west-1", "us-west-1", "us-west-2",
)  # fmt: skip

# CloudFront Developer Guide, "Price class": North America, Europe and Israel are in PriceClass_100.
PRICE_CLASS_100_REGIONS = ("us-", "ca-", "eu-", "il-")
# More than a year is a typing mistake; RFC 9111 has no upper bound.
BROWSER_SECONDS = (0, 31_536_000)
SIGNERS = 5  # CloudFront Developer Guide, "Quotas": public keys in a key group
