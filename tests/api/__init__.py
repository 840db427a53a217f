"""The HTTP API, called through ASGI or through API Gateway's proxy events."""
