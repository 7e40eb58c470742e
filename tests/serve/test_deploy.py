"""The deployment files hold together: schemas, references between them, and a command line that our program takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.main import get_command

from fervlm.cli.main import app

DEPLOY = Path(str(resources.files("fervlm.serve"))) / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+")
PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}
LABELS = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}
QUANTITY = {"type": ["string", "integer"], "pattern": r"^\d+(\.\d+)?(m|k|M|G|Ki|Mi|Gi)?$"}
PROBE = {
    "type": "object",
    "required": ["httpGet"],
    "additionalProperties": False,
    "properties": {
        "httpGet": {
            "type": "object",
            "required": ["path", "port"],
            "additionalProperties": False,
            "properties": {"path": {"type": "string", "pattern": "^/"}, "port": {"type": ["string", "integer"]}},
        },
        "periodSeconds": {"type": "integer", "minimum": 1},
        "failureThreshold": {"type": "integer", "minimum": 1},
        "timeoutSeconds": {"type": "integer", "minimum": 1},
    },
}
CONTAINER = {
    "type": "object",
    "required": ["name", "image", "args", "ports", "readinessProbe", "livenessProbe", "resources", "securityContext"],
    "additionalProperties": False,
    "properties": {
        "name": NAME,
        "image": {"type": "string", "pattern": f"^{PINNED.pattern}$"},
        "args": {"type": "array", "items": {"type": "string"}},
        "ports": {
            "type": "array",
            "items": {"type": "object", "required": ["name", "containerPort"], "properties": {"containerPort": PORT}},
        },
        "env": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "value"],
                "additionalProperties": False,
                "properties": {"name": {"type": "string"}, "value": {"type": "string"}},
            },
        },
        "readinessProbe": PROBE,
        "livenessProbe": PROBE,
        "startupProbe": PROBE,
        "lifecycle": {"type": "object"},
        "resources": {
            "type": "object",
            "required": ["requests", "limits"],
            "additionalProperties": False,
            "properties": {
                "requests": {"type": "object", "required": ["cpu", "memory"], "additionalProperties": QUANTITY},
                "limits": {"type": "object", "required": ["memory"], "additionalProperties": QUANTITY},
            },
        },
        "securityContext": {
            "type": "object",
            "required": ["allowPrivilegeEscalation", "capabilities"],
            "properties": {"allowPrivilegeEscalation": {"const": False}, "capabilities": {"const": {"drop": ["ALL"]}}},
        },
        "volumeMounts": {"type": "array", "items": {"type": "object", "required": ["name", "mountPath"]}},
    },
}
SPECS: dict[tuple[str, str], dict[str, Any]] = {
    ("apps/v1", "Deployment"): {
        "type": "object",
        "required": ["replicas", "selector", "template"],
        "additionalProperties": False,
        "properties": {
            "replicas": {"type": "integer", "minimum": 1},
            "strategy": {"type": "object", "properties": {"type": {"enum": ["Recreate", "RollingUpdate"]}}},
            "selector": {"type": "object", "required": ["matchLabels"], "properties": {"matchLabels": LABELS}},
            "template": {
                "type": "object",
                "required": ["metadata", "spec"],
                "properties": {
                    "metadata": {"type": "object", "required": ["labels"], "properties": {"labels": LABELS}},
                    "spec": {
                        "type": "object",
                        "required": ["containers", "securityContext", "automountServiceAccountToken"],
                        "properties": {
                            "automountServiceAccountToken": {"const": False},
                            "containers": {"type": "array", "minItems": 1, "items": CONTAINER},
                            "volumes": {"type": "array", "items": {"type": "object", "required": ["name"]}},
                        },
                    },
                },
            },
        },
    },
    ("v1", "Service"): {
        "type": "object",
        "required": ["selector", "ports"],
        "additionalProperties": False,
        "properties": {
            "selector": LABELS,
            "ports": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "object", "required": ["name", "port", "targetPort"], "properties": {"port": PORT}},
            },
        },
    },
    ("autoscaling/v2", "HorizontalPodAutoscaler"): {
        "type": "object",
        "required": ["scaleTargetRef", "minReplicas", "maxReplicas", "metrics"],
        "additionalProperties": False,
    }
    | {"properties": {name: {} for name in ("scaleTargetRef", "minReplicas", "maxReplicas", "metrics")}},
    ("policy/v1", "PodDisruptionBudget"): {"type": "object", "required": ["minAvailable", "selector"]},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"type": "object", "required": ["podSelector", "policyTypes"]},
    ("v1", "PersistentVolumeClaim"): {"type": "object", "required": ["accessModes", "resources"]},
}


def _documents() -> list[dict[str, Any]]:
    return [one for path in MANIFESTS for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def _of(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in _documents() if one["kind"] == kind}


def _faults(documents: list[dict[str, Any]]) -> list[str]:
    """What the schemas find in manifests."""
    found = []
    for one in documents:
        name = f"{one['kind']} {one['metadata']['name']}"
        found += [
            f"{name}: {fault.message}" for fault in Draft202012Validator(NAME).iter_errors(one["metadata"]["name"])
        ]
        if one["kind"] == "ConfigMap":
            continue
        schema = SPECS[one["apiVersion"], one["kind"]]
        found += [
            f"{name}: {fault.json_path} {fault.message}"
            for fault in Draft202012Validator(schema).iter_errors(one["spec"])
        ]
    return found


def test_the_manifests_fit_their_schemas_and_the_schemas_bite() -> None:
    documents = _documents()
    assert len(documents) >= 10 and _faults(documents) == []
    broken = json.loads(json.dumps(documents))
    gateway = next(one for one in broken if one["kind"] == "Deployment")["spec"]["template"]["spec"]["containers"][0]
    gateway["image"], gateway["imagePullPolicie"] = "fervlm:latest", "Always"
    del gateway["livenessProbe"]
    assert len(_faults(broken)) == 3


def test_names_lead_to_what_is_there() -> None:
    deployments, services = _of("Deployment"), _of("Service")
    pods = {name: one["spec"]["template"] for name, one in deployments.items()}
    for name, one in deployments.items():
        template = pods[name]
        assert one["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
        volumes = {volume["name"] for volume in template["spec"]["volumes"]}
        for container in template["spec"]["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name
            ports = {port["name"] for port in container["ports"]}
            for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
                if probe in container:
                    assert container[probe]["httpGet"]["port"] in ports
        for volume in template["spec"]["volumes"]:
            if "configMap" in volume:
                assert volume["configMap"]["name"] in _of("ConfigMap")
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in _of("PersistentVolumeClaim")
    for name, one in services.items():
        behind = [t for t in pods.values() if one["spec"]["selector"].items() <= t["metadata"]["labels"].items()]
        assert len(behind) == 1, name
        named = {port["name"] for port in behind[0]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in one["spec"]["ports"]} <= named
    for one in _of("HorizontalPodAutoscaler").values():
        assert one["spec"]["scaleTargetRef"]["name"] in deployments
    told = json.dumps(_documents())
    for address in re.findall(r"(?:http://)?(fervlm-[a-z]+):(\d+)", told):
        if address[0] != "fervlm-keys":
            assert int(address[1]) in {port["port"] for port in services[address[0]]["spec"]["ports"]}, address


def _ours() -> Iterator[list[str]]:
    """Every command line of ours in the files."""
    for one in _of("Deployment").values():
        for container in one["spec"]["template"]["spec"]["containers"]:
            if container["image"].startswith("fervlm:"):
                yield container["args"]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    for service in compose["services"].values():
        if service["image"].startswith("fervlm:"):
            yield service["command"]
    for line in re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE):
        words = json.loads(line)
        yield words[2:] if words[:2] == ["fervlm", "serve"] else words


def test_our_program_takes_the_command_lines() -> None:
    serve = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    lines = list(_ours())
    assert len(lines) == 5
    for words in lines:
        context = serve.make_context("serve", list(words), resilient_parsing=False)
        assert context.params["port"] == 8000
    with pytest.raises(Exception, match="--kees"):
        serve.make_context("serve", ["--kees", "x"], resilient_parsing=False)


def test_probed_and_scraped_paths_are_served(server: str) -> None:
    import httpx

    paths = set(re.findall(r"path: (/(?!-)[a-z]+)[,}]", (DEPLOY / "kubernetes" / "gateway.yaml").read_text()))
    for text in (
        (DEPLOY / "prometheus.yml").read_text(),
        _of("ConfigMap")["fervlm-prometheus"]["data"]["prometheus.yml"],
    ):
        [job] = yaml.safe_load(text)["scrape_configs"]
        assert job["authorization"]["type"] == "Bearer"
        paths.add(job["metrics_path"])
    assert paths == {"/readyz", "/healthz", "/metrics"}
    for path in paths:
        assert httpx.get(f"{server}{path}").status_code == 200


def test_the_compose_file_holds_together() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    known = {
        "image", "build", "command", "profiles", "ports", "secrets", "read_only", "tmpfs", "cap_drop", "security_opt",
        "mem_limit", "stop_grace_period", "restart", "healthcheck", "depends_on", "environment", "volumes", "ipc",
        "deploy",
    }  # fmt: skip
    for name, service in services.items():
        assert set(service) <= known, name
        assert PINNED.fullmatch(service["image"]), name
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert set(service.get("depends_on", [])) <= set(services)
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (DEPLOY / source).exists() or source == "./model", source
    urls = re.findall(r"http://([a-z-]+):\d+", json.dumps(compose))
    assert set(urls) - {"127"} <= set(services)
    [target] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0][
        "targets"
    ]
    assert target.partition(":")[0] in services
