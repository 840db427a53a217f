"""List prices of AWS in us-east-1, without free tiers and volume discounts.

Prices change; ``DATED`` is their date. ``checked`` is the source of a price. The printed tables mark prices from other
sources than AWS as "not confirmed".
"""

from dataclasses import dataclass

DATED = "2026-11-27"
REGION = "us-east-1"

AWS, OTHERS = "AWS", "others"
"""Sources: a page, white paper or repository of AWS; or a page of others that quotes AWS."""


@dataclass(frozen=True, slots=True)
class Price:
    """The price of a number of units."""

    dollars: float
    units: float
    unit: str
    page: str
    checked: str

    @property
    def each(self) -> float:
        """The dollars for one unit."""
        return self.dollars / self.units

    @property
    def text(self) -> str:
        """The price as text: ``$25.00 for 1,000,000 state transitions``."""
        dollars = f"{self.dollars:.10f}".rstrip("0")
        whole, _, cents = dollars.partition(".")
        amount = f"${whole}.{cents.ljust(2, '0')}"
        return f"{amount} for {self.units:,.0f} {self.unit}" if self.units > 1 else f"{amount} for each {self.unit}"


_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_STEP_FUNCTIONS = "https://aws.amazon.com/step-functions/pricing/"
_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_SM = "https://aws.amazon.com/secrets-manager/pricing/"
_MILLION = 1_000_000

PRICES = {
    "transition": Price(0.025, 1_000, "state transitions, STANDARD", _STEP_FUNCTIONS, AWS),
    "express request": Price(1.00, _MILLION, "executions, EXPRESS", _STEP_FUNCTIONS, AWS),
    "express duration": Price(0.00001667, 1, "GB-second, EXPRESS", _STEP_FUNCTIONS, OTHERS),
    "invocation": Price(0.20, _MILLION, "invocations", _LAMBDA, OTHERS),
    "duration x86_64": Price(0.0000166667, 1, "GB-second, x86_64", _LAMBDA, OTHERS),
    "duration arm64": Price(0.0000133334, 1, "GB-second, arm64", _LAMBDA, OTHERS),
    "api request": Price(3.50, _MILLION, "REST API requests", "https://aws.amazon.com/api-gateway/pricing/", AWS),
    "write unit": Price(0.625, _MILLION, "write request units", _DYNAMODB, OTHERS),
    "read unit": Price(0.125, _MILLION, "read request units", _DYNAMODB, OTHERS),
    "storage": Price(0.25, 1, "GB-month in DynamoDB", _DYNAMODB, OTHERS),
    "recovery": Price(0.20, 1, "GB-month of point-in-time recovery", _DYNAMODB, OTHERS),
    "queue request": Price(0.40, _MILLION, "SQS standard requests", "https://aws.amazon.com/sqs/pricing/", OTHERS),
    "secret": Price(0.40, 1, "secret and month", _SM, OTHERS),
    "secret request": Price(0.05, 10_000, "Secrets Manager requests", _SM, OTHERS),
    "log": Price(0.50, 1, "GB of ingested log", _CLOUDWATCH, OTHERS),
}
