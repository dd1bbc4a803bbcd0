"""Which web pages may use a bucket from a browser."""

from embedded_aws.resources.base import Inputs, State, capitalised
from embedded_aws.resources.s3_settings import BucketSetting, uncapitalised


class BucketCorsConfiguration(BucketSetting):
    """Origins, methods and headers, rule by rule."""

    type_name = "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration"
    resource = "s3.BucketCorsConfiguration"
    _rule = ("allowedHeaders", "allowedMethods", "allowedOrigins", "exposeHeaders", "maxAgeSeconds", "id")
    carries = frozenset({"bucket", *(f"corsRules.{name}" for name in _rule)})

    def put(self, inputs: Inputs) -> None:
        """Put all rules."""
        rules = []
        for rule in inputs["corsRules"]:
            made = capitalised({name: value for name, value in rule.items() if name != "id"})
            rules.append({**made, **({"ID": rule["id"]} if "id" in rule else {})})
        self.s3.put_bucket_cors(Bucket=inputs["bucket"], CORSConfiguration={"CORSRules": rules})

    def get(self, bucket: str) -> State | None:
        """Return all rules, without the settings that they leave out."""
        rules = []
        for found in self.s3.get_bucket_cors(Bucket=bucket)["CORSRules"]:
            rule = {name: value for name, value in uncapitalised(found).items() if name != "iD" and value}
            if found.get("ID"):
                rule["id"] = found["ID"]
            rules.append(rule)
        return {"corsRules": rules}

    def remove(self, bucket: str) -> None:
        """Remove all rules."""
        self.s3.delete_bucket_cors(Bucket=bucket)
