"""Uses a storage of S3 as programs with boto3 do; prints what it got back as one JSON object."""
import io
import json
import sys
import urllib.request
import ssl

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, cacert, key_id, secret, region = sys.argv[1:]
KEY = "dir/a b+c~(é)/../'\"&<>?#%41"
BODY = bytes(range(256)) * 300


def main():
    told = {}
    s3 = client(secret)
    s3.put_object(Bucket="bucket", Key=KEY, Body=BODY, Metadata={"a": "one  two"}, ContentType="text/plain")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        s3.put_object(Bucket="bucket", Key=algorithm, Body=io.BytesIO(BODY), ChecksumAlgorithm=algorithm)
    s3.put_object(Bucket="bucket", Key="empty", Body=b"")
    told["same"] = all(
        s3.get_object(Bucket="bucket", Key=key)["Body"].read() == BODY for key in (KEY, "CRC32", "SHA1", "SHA256")
    )
    told["range"] = s3.get_object(Bucket="bucket", Key=KEY, Range="bytes=-3")["ContentRange"]
    told["unsatisfiable"] = code_of(lambda: s3.get_object(Bucket="bucket", Key="empty", Range="bytes=5-"))
    told["head"] = s3.head_object(Bucket="bucket", Key=KEY)["ContentLength"]
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    large = BODY * 150
    s3.upload_fileobj(io.BytesIO(large), "bucket", "large", Config=config)
    told["large"] = s3.get_object(Bucket="bucket", Key="large")["Body"].read() == large
    s3.copy_object(Bucket="bucket", Key="copy", CopySource={"Bucket": "bucket", "Key": KEY})
    told["listed"] = {o["Key"]: o["Size"] for o in s3.list_objects_v2(Bucket="bucket")["Contents"]}
    s3.put_object_tagging(Bucket="bucket", Key=KEY, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    told["presigned"] = presigned(s3)
    s3.delete_objects(Bucket="bucket", Delete={"Objects": [{"Key": KEY}, {"Key": "copy"}]})
    told["gone"] = code_of(lambda: s3.get_object(Bucket="bucket", Key="copy"))
    told["wrong secret"] = code_of(lambda: client("wrong").get_object(Bucket="bucket", Key=KEY))
    json.dump(told, sys.stdout)


def client(secret_key):
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, signature_version="s3v4")
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key_id,
        aws_secret_access_key=secret_key,
        verify=cacert,
        config=config,
    )


def presigned(s3):
    """Uploads and downloads with presigned URLs alone."""
    context = ssl.create_default_context(cafile=cacert)
    params = {"Bucket": "bucket", "Key": "presigned é"}
    put = s3.generate_presigned_url("put_object", Params=params, ExpiresIn=60)
    urllib.request.urlopen(urllib.request.Request(put, data=b"hello", method="PUT"), context=context).read()
    get = s3.generate_presigned_url("get_object", Params={**params, "ResponseContentType": "a/b c"}, ExpiresIn=60)
    return urllib.request.urlopen(get, context=context).read().decode()


def code_of(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


main()
