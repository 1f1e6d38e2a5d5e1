"""The schema of the chart's values: types from the defaults, settings from the exporter, the rest from here."""

from collections.abc import Mapping
from typing import Any

from exporter.config.organizations import SLUG
from exporter.config.settings import Settings
from helm.commented import Value

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
GITHUB_NAME: Schema = {"type": "string", "pattern": f"^{SLUG}$"}


def one_of(*values: str) -> Schema:
    """One of *values*."""
    return {"type": "string", "enum": list(values)}


def closed(properties: Schema, *required: str) -> Schema:
    """A mapping with these keys and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        **({"required": list(required)} if required else {}),
    }


CREDENTIAL = closed(
    {
        "enterprise": NAME,
        "existingSecret": NAME,
        "tokenKey": NAME,
        "appIdKey": NAME,
        "privateKeyKey": NAME,
        "passwordKey": NAME,
        "runner": {"type": "boolean"},
        "organization": GITHUB_NAME,
    },
    "enterprise",
    "existingSecret",
)
SHARD = closed(
    {
        "name": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$"},
        "enterprises": {"type": "array", "items": NAME, "minItems": 1},
    },
    "name",
    "enterprises",
)
HANDLERS = "exec", "grpc", "httpGet", "tcpSocket"
TIMES = "initialDelaySeconds", "periodSeconds", "terminationGracePeriodSeconds", "timeoutSeconds"
THRESHOLDS = "failureThreshold", "successThreshold"
PROBE = closed(
    {name: {"type": "object"} for name in HANDLERS}
    | {name: {"type": "integer", "minimum": 0} for name in (*TIMES, *THRESHOLDS)}
)
RESOURCES = closed({"claims": {"type": "array"}, "limits": {"type": "object"}, "requests": {"type": "object"}})
VARIABLE = closed({"name": NAME, "value": TEXT, "valueFrom": {"type": "object"}}, "name")
PORT: Schema = {"type": "integer", "minimum": 1, "maximum": 65535}
COUNT_OR_SHARE: Schema = {"type": ["integer", "string"]}
DURATION: Schema = {"type": "string", "pattern": "^([0-9]+(ms|s|m|h|d|w|y))*$"}

SPECIAL: Mapping[str, Schema] = {
    "image.repository": NAME,
    "image.digest": {"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": one_of("Always", "IfNotPresent", "Never"),
    "credentials": {"type": "array", "items": CREDENTIAL},
    "shards": {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 100}, {"type": "array", "items": SHARD, "minItems": 1}]
    },
    "replicaCount": {"type": "integer", "minimum": 0},
    "revisionHistoryLimit": {"type": "integer", "minimum": 0},
    "terminationGracePeriodSeconds": {"type": "integer", "minimum": 0},
    "service.type": one_of("ClusterIP", "NodePort", "LoadBalancer"),
    "service.port": PORT,
    "serviceMonitor.interval": DURATION,
    "serviceMonitor.scrapeTimeout": DURATION,
    "podMonitor.interval": DURATION,
    "podMonitor.scrapeTimeout": DURATION,
    "networkPolicy.dnsPorts": {"type": "array", "items": PORT, "minItems": 1, "uniqueItems": True},
    "podDisruptionBudget.minAvailable": COUNT_OR_SHARE,
    "podDisruptionBudget.maxUnavailable": COUNT_OR_SHARE,
    "resources": RESOURCES,
    "livenessProbe": PROBE,
    "readinessProbe": PROBE,
    "extraEnv": {"type": "array", "items": VARIABLE},
    "extraVolumes": {"type": "array", "items": {"type": "object", "required": ["name"]}},
    "extraVolumeMounts": {"type": "array", "items": {"type": "object", "required": ["name", "mountPath"]}},
    "extraArgs": {"type": "array", "items": TEXT},
    "extraManifests": {"type": "array", "items": {"type": ["object", "string"]}},
    "image.pullSecrets": {"type": "array", "items": {"type": ["object", "string"]}},
}
MAPS_OF_TEXT = ("labels", "annotations", "commonLabels", "podLabels", "podAnnotations", "nodeSelector")


def schema(values: list[Value], alerts: list[str]) -> Schema:
    """The schema for *values*, where *alerts* are the names of the alerts there are."""
    special = {
        **SPECIAL,
        "config": {"$ref": "#/definitions/Config"},
        "prometheusRule.disabled": {"type": "array", "items": {"enum": alerts}, "uniqueItems": True},
        "prometheusRule.severities": closed(dict.fromkeys(alerts, NAME)),
    }
    top = closed({})
    for value in values:
        place = top
        for key in value.path[:-1]:
            place = place["properties"].setdefault(key, closed({}))
        kind = special.get(value.name) or typed(value)
        place["properties"][value.path[-1]] = {"description": value.description, **kind}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of the chart ghe-exporter",
        **top,
        "definitions": settings(),
    }


def typed(value: Value) -> Schema:
    """The schema of a default."""
    if value.path[-1] in MAPS_OF_TEXT:
        return {"type": "object", "additionalProperties": TEXT}
    names = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    return {"type": names[type(value.default)]}


def settings() -> Schema:
    """Definitions of the exporter's settings, as `config` has them."""
    drawn = Settings.model_json_schema()
    definitions: Schema = drawn.pop("$defs")
    definitions["Config"] = drawn
    # A secret itself has no place in a ConfigMap.
    del definitions["Auth"]["properties"]["token"]
    del definitions["ManageAuth"]["properties"]["password"]
    # The chart adds what `credentials` contain.
    for name in ("Config", "Enterprise"):
        definitions[name]["required"] = [key for key in definitions[name]["required"] if key == "slug"]
    del definitions["Config"]["properties"]["enterprises"]["minItems"]
    # An organization may be its mere name, all of them a list or the word auto, an id of an App a number.
    organizations = definitions["Organizations"]["properties"]["named"]
    organizations["items"] = {"anyOf": [GITHUB_NAME, {"$ref": "#/$defs/Organization"}]}
    definitions["Enterprise"]["properties"]["organizations"] = {
        "description": definitions["Enterprise"]["properties"]["organizations"]["description"],
        "anyOf": [one_of("auto"), organizations, {"$ref": "#/$defs/Organizations"}],
    }
    # pydantic's schema lacks what its validators check.
    definitions["Enterprise"]["properties"]["slug"] |= GITHUB_NAME
    definitions["Organization"]["properties"]["name"] |= GITHUB_NAME
    definitions["Enterprise"]["properties"]["api_url"]["pattern"] = "^https?://"
    definitions["Config"]["properties"]["listen"]["pattern"] = ":[0-9]{1,5}$"
    definitions["Auth"]["properties"]["app_id"] = {"type": ["string", "integer"]}
    kept: Schema = slim(definitions)
    return kept


def slim(node: Any, *, names: bool = False) -> Any:
    """*node* without what only pydantic needs, in the words of draft 7."""
    if isinstance(node, list):
        return [slim(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: item.replace("#/$defs/", "#/definitions/") if key == "$ref" else slim(item, names=key == "properties")
        for key, item in node.items()
        if names or key not in {"title", "default", "format", "writeOnly", "contentMediaType"}
    }
