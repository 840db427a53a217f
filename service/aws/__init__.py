"""The ports on AWS: DynamoDB, SQS and Step Functions through botocore."""
