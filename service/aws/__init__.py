"""Adapters of the ports on DynamoDB, SQS and Step Functions, through botocore."""
