"""A world with one thing of each kind, and boto3 calls on them that AWS takes."""

import json
from typing import Any

from embedded_aws.world import World

from .samples import TRUST, tiny_zip

Arguments = dict[str, Any]


class Sample:
    """A world with one thing of each kind, and boto3 calls on them that AWS takes."""

    def __init__(self, world: World) -> None:
        self.world = world
        region, account = world.region, world.account_id
        s3, sqs, sns, iam = (world.client(name) for name in ("s3", "sqs", "sns", "iam"))
        place = {"LocationConstraint": region}
        s3.create_bucket(Bucket="sample", CreateBucketConfiguration=place)
        rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        s3.put_bucket_ownership_controls(Bucket="sample", OwnershipControls=rules)
        block = {"BlockPublicPolicy": True}
        s3.put_public_access_block(Bucket="sample", PublicAccessBlockConfiguration=block)
        self.queue = sqs.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
        self.queue_arn = f"arn:aws:sqs:{region}:{account}:work"
        self.closed_arn = f"arn:aws:sqs:{region}:{account}:closed"
        sqs.create_queue(
            QueueName="closed",
            Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})},
        )
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": self.queue_arn,
            "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::sample"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=self.queue, Attributes={"Policy": policy})
        self.topic = sns.create_topic(Name="events")["TopicArn"]
        sns.subscribe(TopicArn=self.topic, Protocol="email", Endpoint="a@example.com")
        self.role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
            "Arn"
        ]
        actions = [f"sqs:{name}" for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")]
        receive = {"Effect": "Allow", "Action": actions, "Resource": self.queue_arn}
        iam.put_role_policy(
            RoleName="worker",
            PolicyName="receive",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [receive]}),
        )
        self.poor = iam.create_role(RoleName="poor", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"][
            "Arn"
        ]
        self.servers = iam.create_role(
            RoleName="servers", AssumeRolePolicyDocument=json.dumps(TRUST).replace("lambda", "ec2")
        )["Role"]["Arn"]
        self.timer = iam.create_role(
            RoleName="timer", AssumeRolePolicyDocument=json.dumps(TRUST).replace("lambda", "scheduler")
        )["Role"]["Arn"]
        world.client("logs").create_log_group(logGroupName="g")
        self._make_pools()
        for name, role in (
            ("worker", self.role),
            ("poor", self.poor),
            ("slow", self.role),
            ("fed", self.role),
        ):
            self.call("create_function", FunctionName=name, Role=role, Timeout=300 if name == "slow" else 3)
        self.call("create_event_source_mapping", FunctionName="fed")
        world.client("dynamodb").create_table(
            **self.defaults("create_table"), TableName="guarded", DeletionProtectionEnabled=True
        )

    def _make_trail(self) -> None:
        """Make a bucket that one trail may write to, a key that it may not use, and the trail."""
        s3, kms = self.world.client("s3"), self.world.client("kms")
        place = {"LocationConstraint": self.world.region}
        s3.create_bucket(Bucket="trails", CreateBucketConfiguration=place)
        trail = f"arn:aws:cloudtrail:{self.world.region}:{self.world.account_id}:trail/new"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudtrail.amazonaws.com"},
            "Action": ["s3:GetBucketAcl", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::trails", "arn:aws:s3:::trails/AWSLogs/*"],
            "Condition": {"ArnLike": {"aws:SourceArn": trail}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        s3.put_bucket_policy(Bucket="trails", Policy=policy)
        self.key = str(kms.create_key()["KeyMetadata"]["Arn"])
        self.world.client("cloudtrail").create_trail(Name="new", S3BucketName="trails")

    def _make_pools(self) -> None:
        self._make_trail()
        pools = self.world.client("cognito-idp")
        self.pool, self.named_pool, self.protected_pool, self.spare_pool = (
            pools.create_user_pool(PoolName=name, DeletionProtection=protection)["UserPool"]["Id"]
            for name, protection in (
                ("plain", "INACTIVE"),
                ("named", "INACTIVE"),
                ("protected", "ACTIVE"),
                ("spare", "INACTIVE"),
            )
        )
        pools.create_user_pool_domain(Domain="taken", UserPoolId=self.named_pool)

    def defaults(self, operation: str) -> Arguments:
        """Return the arguments of a call that AWS takes."""
        notification = {"QueueArn": self.queue_arn, "Events": ["s3:ObjectCreated:*"]}
        made: dict[str, Arguments] = {
            "put_object": {"Bucket": "sample", "Key": "k", "Body": b"1"},
            "put_object_tagging": {"Bucket": "sample", "Key": "tagged", **tag_set("a value: +-=._:/@ ü")},
            "put_bucket_tagging": {"Bucket": "sample", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}},
            "create_bucket": {
                "Bucket": "another-bucket",
                "CreateBucketConfiguration": {"LocationConstraint": self.world.region},
            },
            "put_bucket_notification_configuration": {
                "Bucket": "sample",
                "NotificationConfiguration": {"QueueConfigurations": [notification]},
            },
            "put_bucket_lifecycle_configuration": {
                "Bucket": "sample",
                "LifecycleConfiguration": {"Rules": [lifecycle_rule(Expiration={"Days": 7})]},
            },
            "put_bucket_policy": {"Bucket": "sample", "Policy": bucket_policy(self.world.account_id)},
            "create_queue": {"QueueName": "new"},
            "create_trail": {"Name": "new", "S3BucketName": "trails"},
            "put_event_selectors": {
                "TrailName": "new",
                "AdvancedEventSelectors": selectors(
                    {"eventCategory": "Data", "resources.type": "AWS::S3::Object"}
                ),
            },
            "create_budget": {"AccountId": self.world.account_id, "Budget": budget()},
            "change_message_visibility": {
                "QueueUrl": self.queue,
                "ReceiptHandle": "x",
                "VisibilityTimeout": 1,
            },
            "send_message": {"QueueUrl": self.queue, "MessageBody": "ü\n"},
            "publish": {"TopicArn": self.topic, "Message": "m", "Subject": "s"},
            "create_topic": {"Name": "new"},
            "subscribe": {"TopicArn": self.topic, "Protocol": "email", "Endpoint": "b@example.com"},
        }
        return {**made, **self._defaults_of_functions_and_roles()}.get(operation, {})

    def _defaults_of_functions_and_roles(self) -> dict[str, Arguments]:
        return {
            "create_function": {
                "FunctionName": "new",
                "Role": self.role,
                "Runtime": "python3.13",
                "Handler": "m.handler",
                "Code": {"ZipFile": tiny_zip()},
            },
            "create_event_source_mapping": {"EventSourceArn": self.queue_arn, "FunctionName": "worker"},
            "put_retention_policy": {"logGroupName": "g", "retentionInDays": 30},
            "create_log_group": {"logGroupName": "new"},
            "put_query_definition": {"name": "q", "queryString": "filter a = 'x | y' | stats count(*) by b"},
            "put_dashboard": {"DashboardName": "d", "DashboardBody": dashboard()},
            "put_metric_alarm": {
                "AlarmName": "a",
                "MetricName": "m",
                "Namespace": "n",
                "Statistic": "Sum",
                "Period": 60,
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanThreshold",
            },
            "create_table": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
            "delete_table": {"TableName": "plain"},
            "create_role": {"RoleName": "new", "AssumeRolePolicyDocument": json.dumps(TRUST)},
            "put_role_policy": {
                "RoleName": "worker",
                "PolicyName": "more",
                "PolicyDocument": policy_of_characters(1_000),
            },
            "create_policy": {"PolicyName": "new", "PolicyDocument": policy_of_characters(1_000)},
            "put_function_event_invoke_config": {"FunctionName": "worker", "MaximumRetryAttempts": 1},
            "delete_role": {"RoleName": "servers"},
            "create_user_pool_domain": {"Domain": "free", "UserPoolId": self.pool},
            "delete_user_pool": {"UserPoolId": self.spare_pool},
            "create_user_pool_client": {
                "UserPoolId": self.pool,
                "ClientName": "pages",
                "AllowedOAuthFlows": ["code"],
                "AllowedOAuthScopes": ["openid"],
                "CallbackURLs": ["https://app.example.com/", "http://localhost:8000/"],
            },
            "create_schedule": {
                "Name": "s",
                "ScheduleExpression": "rate(1 day)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": f"arn:aws:lambda:{self.world.region}:{self.world.account_id}:function:worker",
                    "RoleArn": self.timer,
                },
            },
        }

    def call(self, operation: str, **changed: Any) -> Any:
        """Make the call with some arguments changed."""
        service = next(service for service, names in OPERATIONS.items() if operation in names)
        return getattr(self.world.client(service), operation)(**{**self.defaults(operation), **changed})


OPERATIONS = {
    "s3": {
        "put_object",
        "put_object_tagging",
        "put_bucket_tagging",
        "create_bucket",
        "put_bucket_notification_configuration",
        "put_bucket_lifecycle_configuration",
        "put_bucket_policy",
    },
    "sqs": {"create_queue", "send_message", "change_message_visibility"},
    "sns": {"publish", "subscribe", "create_topic"},
    "lambda": {"create_function", "create_event_source_mapping", "put_function_event_invoke_config"},
    "logs": {"put_retention_policy", "create_log_group", "put_query_definition"},
    "cloudwatch": {"put_metric_alarm", "put_dashboard"},
    "dynamodb": {"create_table", "delete_table"},
    "scheduler": {"create_schedule"},
    "budgets": {"create_budget"},
    "cloudtrail": {"create_trail", "put_event_selectors"},
    "cognito-idp": {"create_user_pool_domain", "delete_user_pool", "create_user_pool_client"},
    "iam": {"create_role", "put_role_policy", "delete_role", "create_policy"},
}


def dashboard(kind: str = "metric", place: Arguments | None = None, **shown: Any) -> str:
    """Return the body of a dashboard with one widget."""
    chart: Arguments = {"region": "eu-central-1", "metrics": [["n", "m", {"id": "a"}]], "period": 300}
    properties = {**(chart if kind == "metric" else {}), **shown}
    widget = {"type": kind, "width": 12, "height": 6, "properties": properties, **(place or {})}
    return json.dumps({"widgets": [widget]})


def selectors(fields: dict[str, str]) -> list[Arguments]:
    """Return one advanced selector of a trail, whose fields equal these."""
    return [{"FieldSelectors": [{"Field": field, "Equals": [value]} for field, value in fields.items()]}]


def budget(**changed: Any) -> Arguments:
    """Return a budget."""
    limit = {"Amount": "10", "Unit": "USD"}
    made = {"BudgetName": "b", "BudgetType": "COST", "TimeUnit": "MONTHLY", "BudgetLimit": limit}
    return {**made, **changed}


def notifications(count: int, addresses: list[str]) -> list[Arguments]:
    """Return so many notifications of a budget, each to all addresses."""
    subscribers = [{"SubscriptionType": "EMAIL", "Address": address} for address in addresses]
    return [
        {
            "Notification": {
                "NotificationType": "ACTUAL",
                "ComparisonOperator": "GREATER_THAN",
                "Threshold": 80 + number,
            },
            "Subscribers": subscribers,
        }
        for number in range(count)
    ]


def lifecycle_rule(**actions: Any) -> Arguments:
    return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}, **actions}


def bucket_policy(principal: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::sample/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy_of_characters(count: int) -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::b/{'x' * count}"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def tag_set(value: str, key: str = "k") -> Arguments:
    return {"Tagging": {"TagSet": [{"Key": key, "Value": value}]}}
