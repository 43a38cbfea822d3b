"""Writes vectors.json: tokens by botocore, AWS's own implementation of Signature Version 4 in Python.

    python3 vectors.py > vectors.json       # any botocore; 1.43.11 wrote the file that is here
"""

import datetime
import json

import botocore
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 11, 25, 12, 34, 56, tzinfo=datetime.timezone.utc)
botocore.auth.get_current_datetime = lambda *_, **__: NOW.replace(tzinfo=None)

KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"  # those of AWS's examples


def token(name, user, cache, region, serverless, session):
    query = f"Action=connect&User={user}" + ("&ResourceType=ServerlessCache" if serverless else "")
    request = AWSRequest(method="GET", url=f"http://{cache}/?{query}")
    signer = botocore.auth.SigV4QueryAuth(Credentials(KEY, SECRET, session), "elasticache", region, expires=900)
    signer.add_auth(request)
    assert request.context["timestamp"] == NOW.strftime("%Y%m%dT%H%M%SZ"), request.context
    return {"name": name, "user": user, "cache": cache, "region": region, "serverless": serverless,
            "session_token": session or "", "token": request.url.removeprefix("http://")}


print(json.dumps({
    "source": "botocore " + botocore.__version__, "now": NOW.isoformat(), "access_key_id": KEY, "secret_access_key": SECRET,
    "vectors": [
        token("replication group", "crossover-app", "crossover", "us-east-1", False, None),
        token("replication group, role", "crossover-app", "crossover", "eu-central-1", False, "IQoJb3JpZ2luX2VjE+/=="),
        token("serverless", "crossover-app", "crossover-s", "us-west-2", True, None),
        token("serverless, role", "App1", "c", "ap-southeast-2", True, "FwoGZXIvYXdzE//////////wEaD+&=?"),
    ],
}, indent=2))
