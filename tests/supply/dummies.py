"""Texts in the tree that look like secrets and are none, each with its reason; `make secrets` reads them."""

import json
from pathlib import Path

FINGERPRINTS = Path(__file__).parents[1] / "unit/fingerprints_0_1_0.json"

DUMMIES = {
    "4bf92f3577b34da6a3ce929d0e0e4736": "the trace id of the examples in W3C's Trace Context",
    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a": "the SHA-256 of {}",
    "d41d8cd98f00b204e9800998ecf8427e": "the MD5 of nothing, an S3 event's eTag",
    "C3D13FE58DE4C810": "the request id of AWS's example of an S3 event",
    "0055AED6DCD90281E5": "the sequencer of AWS's example of an S3 event",
    "a1b2c3d4e5": "the id of an API in tests/events",
    "a1b2c3d4e5f6": "the name of a role's session in tests/events",
    "b6188ce6f29d0621b5166669f48e2b4b": "the MD5 of a message's body in tests/events",
    "0362035c1226a895513f55461dcd7ba8": "the MD5 of a message's body in tests/events",
    "b542fe00f65f938d7411d5433eb58663": "the MD5 of a message's body in tests/events",
    "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a0001==": "a receipt handle that was made up for tests/events",
    "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a0002==": "a receipt handle that was made up for tests/events",
    "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a0003==": "a receipt handle that was made up for tests/events",
    "eyJjdXN0b21lcl9pZCI6ICJjdXN0XzEyMyIsICJpdGVtcyI6IFt7InByb2R1Y3RfaWQiOiAicHJvZF80NTYiLCAicXVhbnRpdHkiOiAyLCAicHJpY2UiOiAyOS45OX1dLCAidG90YWxfYW1vdW50IjogNTkuOTh9": "an order, as API Gateway hands on a body",  # noqa: E501
    "order_01JQ8Z5B6V9D3K7M2N4P6R8T0W": "an order of Medusa, made up for tests/documents",
    "T3JkZXI6NWYwYzJkMWUtNzcwYS00YzNlLTlkNjMtMWE3NWQwZTBiMjEx": "an order of Saleor, made up for tests/documents",
    "any": "a secret key for the embedded cloud, which takes any",
    "test": "a secret key for moto and LocalStack, which take any",
    "real": "a secret key that a test wants to see kept from the embedded cloud",
    "canary": "an API key that a test wants to see kept from the logs",
    "k1a2b3": "the id of an API key, which names a caller",
    "k9": "an API key that a test wants to see ignored",
    "k3y-of-mine": "an API key that a test gives the command line",
    "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc": "the SHA-256 of Terraform's archive",
    "eyJ": "the beginning of any token of a user pool",
    "write": "a permission of GitHub's tokens",
    "token": "what a test signs a request with",  # pragma: allowlist secret (a reason, with the word beside it)
    "NONE": "a kind of authorization in terraform/api.tf",
    "var.api_auth == ": "a part of an expression in terraform/api.tf",
    "policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs": "a policy that AWS manages",
    "DOFS_WAREHOUSE_SECRET": "the name of a variable",  # pragma: allowlist secret (a reason, with the word beside it)
    "dofs-warehouse-dev": "the name of a secret",
    "whsec_": "the beginning of any secret that signs requests",
    "hunter2": "a password in a URL that a test wants to see kept from an error",
    "whsec_canary": "a secret that a test wants to see kept from an error",
    "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=": "the digits from 0 to 9, three times, as a secret",
    "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=": "the same digits in base64",
    **{row["fingerprint"]: "the SHA-256 of an order" for row in json.loads(FINGERPRINTS.read_text())},
}


REFERENCES = ("arn:aws:", "null ", "local.", "whsec_$(")
"""How ARNs, expressions of Terraform and commands of a shell begin. They name a secret, and hold none."""


def is_dummy(secret: str) -> bool:
    """Whether a found secret is one of the dummies, or only a reference to a secret."""
    return secret in DUMMIES or secret.startswith(REFERENCES)
