"""Makes the calls of boto3 that stand on standard input, one line of JSON each, and prints what came of each. Decides nothing."""

import base64
import json
import sys

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

settings = json.loads(sys.argv[1])
s3 = boto3.client(
    "s3",
    endpoint_url=settings["endpoint"],
    verify=settings["ca"],
    aws_access_key_id=settings["access"],
    aws_secret_access_key=settings["secret"],
    region_name=settings["region"],
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0}),
)


def plain(value):
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if hasattr(value, "read"):
        return base64.b64encode(value.read()).decode()
    return str(value)


def call(operation, params):
    if "Body" in params:
        params["Body"] = base64.b64decode(params["Body"])
    try:
        answer = getattr(s3, operation)(**params)
    except ClientError as error:
        meta = error.response["ResponseMetadata"]
        return {"error": error.response["Error"]["Code"], "status": meta["HTTPStatusCode"]}
    if isinstance(answer, str):
        return {"status": 0, "url": answer}
    answer["status"] = answer.pop("ResponseMetadata")["HTTPStatusCode"]
    return plain(answer)


for line in sys.stdin:
    print(json.dumps(call(*json.loads(line))), flush=True)
