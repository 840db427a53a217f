"""The REST API: checks the body of ``POST /order`` and passes all requests to the function."""

import hashlib
import json
from typing import Any

from service.provisioning.deployment import Deployment
from service.provisioning.permission import allow_invoke

API_ID = "dofs"  # a fixed id, where the emulator allows it, keeps the URL the same
MODEL = "Order"
VALIDATOR = "body"
ANY_METHOD = "x-amazon-apigateway-any-method"
MALFORMED = {"type": "urn:dofs:problem:malformed-json", "title": "The body is not acceptable JSON", "status": 400}
"""The gateway's response to a body that is not a JSON object, in the format of the service's own problems."""


def create_rest_api(deployment: Deployment) -> str:
    """Create or update the REST API, and deploy it to the stage.

    Returns:
        The id of the API.
    """
    names, gateway = deployment.names, deployment.client("apigateway")
    definition = json.dumps(rest_api_definition(deployment))
    fingerprint = hashlib.sha256((definition + json.dumps(MALFORMED)).encode()).hexdigest()
    apis = [api for page in gateway.get_paginator("get_rest_apis").paginate() for api in page["items"]]
    api_id = next((str(api["id"]) for api in apis if api["name"] == names.rest_api), "")
    if not api_id:
        api_id = str(gateway.create_rest_api(name=names.rest_api, tags={"_custom_id_": API_ID})["id"])
    if _deployed_fingerprint(gateway, api_id, names.environment) != fingerprint:
        gateway.put_rest_api(restApiId=api_id, mode="overwrite", body=definition.encode())
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType="BAD_REQUEST_BODY",
            statusCode="400",
            responseParameters={"gatewayresponse.header.Content-Type": "'application/problem+json'"},
            responseTemplates={"application/json": json.dumps(MALFORMED)},
        )
        gateway.create_deployment(restApiId=api_id, stageName=names.environment, description=fingerprint)
    allow_invoke(deployment, "api", "apigateway.amazonaws.com", names.rest_api_arn(api_id))
    return api_id


def _deployed_fingerprint(gateway: Any, api_id: str, stage: str) -> str:
    """Return the fingerprint of the definition that the stage serves; empty if it serves none."""
    try:
        deployment_id = gateway.get_stage(restApiId=api_id, stageName=stage)["deploymentId"]
    except gateway.exceptions.NotFoundException:
        return ""
    return str(gateway.get_deployment(restApiId=api_id, deploymentId=deployment_id).get("description", ""))


def rest_api_definition(deployment: Deployment) -> dict[str, Any]:
    """Return the API as an OpenAPI document with API Gateway's extensions.

    The gateway only checks that an order is a JSON object. The service reports all wrong fields at once, or the
    workflow does with ``Prefer: handling=lenient``.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
    """
    names = deployment.names
    integration = {
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "uri": f"arn:aws:apigateway:{names.region}:lambda:path/2015-03-31/functions/{names.alias_arn}/invocations",
            "passthroughBehavior": "when_no_match",
        },
        "responses": {"default": {"description": "The response of the service"}},
    }
    model = {"$ref": f"#/components/schemas/{MODEL}"}
    submit = {
        **integration,
        "x-amazon-apigateway-request-validator": VALIDATOR,
        "requestBody": {"required": True, "content": {"application/json": {"schema": model}}},
    }
    # On AWS, this route needs no identity: the service verifies the warehouse's signature.
    events = {"/warehouse/events": {"post": integration}} if deployment.settings.warehouse_url else {}
    path = [{"name": "proxy", "in": "path", "required": True, "schema": {"type": "string"}}]
    return {
        "openapi": "3.0.1",
        "info": {"title": names.rest_api, "version": "1"},
        "x-amazon-apigateway-request-validators": {
            VALIDATOR: {"validateRequestBody": True, "validateRequestParameters": False}
        },
        "components": {"schemas": {MODEL: {"type": "object", "title": MODEL}}},
        "paths": {
            "/": {ANY_METHOD: integration},
            "/order": {"post": submit, ANY_METHOD: integration},
            **events,
            "/{proxy+}": {ANY_METHOD: {**integration, "parameters": path}},
        },
    }
