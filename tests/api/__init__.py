"""The HTTP API, driven as a client drives it: through ASGI, or through API Gateway's proxy events."""
