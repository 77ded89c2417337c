"""Signs S3 requests and frames bodies with botocore, on order: a JSON list on standard input, one of answers on standard output."""
import base64
import io
import json
import sys

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpchecksum import AwsChunkedWrapper, Crc32Checksum
from botocore.utils import percent_encode


def main():
    given = json.load(sys.stdin)
    credentials = Credentials(given["key"], given["secret"], given.get("token"))
    answers = [ORDERS[order["do"]](credentials, given["region"], order) for order in given["orders"]]
    json.dump(answers, sys.stdout)


def signer(credentials, region, expires):
    if expires is None:
        return S3SigV4Auth(credentials, "s3", region)
    return S3SigV4QueryAuth(credentials, "s3", region, expires=expires)


def sign(credentials, region, order):
    """A request as botocore itself builds and signs it, from a key and parameters that are not encoded yet."""
    request = AWSRequest(
        method=order["method"],
        url=order["endpoint"] + "/bucket/" + percent_encode(order["key"], safe="/~"),
        params=order["params"],
        headers=order["headers"],
        data=base64.b64decode(order["body"]) if order["expires"] is None else b"",
    )
    signer(credentials, region, order["expires"]).add_auth(request)
    prepared = request.prepare()
    headers = [[name, text(value)] for name, value in prepared.headers.items()]
    return {"url": prepared.url, "headers": headers}


def signature(credentials, region, order):
    """The signature that botocore computes for a request that is as good as sent."""
    request = AWSRequest(method=order["method"], url=order["url"])
    for name, value in order["headers"]:
        request.headers[name] = value
    request.context["timestamp"] = order["amzDate"]
    auth = signer(credentials, region, order["expires"])
    canonical = auth.canonical_request(request)
    return auth.signature(auth.string_to_sign(request, canonical), request)


def frame(_credentials, _region, order):
    """A body in frames of aws-chunked with a CRC32 behind it."""
    body = io.BytesIO(base64.b64decode(order["body"]))
    wrapped = AwsChunkedWrapper(body, Crc32Checksum, "x-amz-checksum-crc32", order["chunk"])
    return base64.b64encode(wrapped.read()).decode()


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


ORDERS = {"sign": sign, "signature": signature, "frame": frame}

main()
