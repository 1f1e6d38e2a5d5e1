"""What each value of the chart does, and what is refused."""

from typing import Any

import pytest
import yaml
from helm_python import HelmError

from helm.commented import values_in
from tests.support.chart import (
    CHART,
    CREDENTIALS,
    NAME,
    ONE,
    Manifest,
    configurations,
    container,
    manifests,
    of_kind,
    pod,
    rendered,
    the,
)

FULL: dict[str, Any] = yaml.safe_load((CHART / "ci" / "full-values.yaml").read_text())
VALUES = [value.name for value in values_in((CHART / "values.yaml").read_text())]
ELSEWHERE = {"nameOverride", "serviceAccount.create", "webConfig.key", "webConfig.tls", "shards"}
"""Values with a test of their own here, for they cannot be tried one by one."""
NEEDS: dict[str, dict[str, Any]] = {
    "serviceMonitor": {"enabled": True},
    "podMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
    "networkPolicy": {"enabled": True},
    "podDisruptionBudget": {"enabled": True},
    "persistence": {"enabled": True},
}
OTHERWISE: dict[str, Any] = {
    "image.registry": "registry.acme.example.com",
    "image.repository": "acme/ghe-exporter",
    "image.tag": "1.2.3",
    "replicaCount": 2,
    "revisionHistoryLimit": 1,
    "terminationGracePeriodSeconds": 60,
    "persistence.existingClaim": "results",
    "service.type": "NodePort",
    "webConfig.existingSecret": "web",
    "webConfig.tlsSecret": "tls",
    "podMonitor.enabled": True,
    "podMonitor.namespace": "elsewhere",
    "podMonitor.labels": {"release": "prometheus"},
    "podMonitor.annotations": {"a": "b"},
    "podMonitor.interval": "5m",
    "podMonitor.scrapeTimeout": "5s",
    "podMonitor.basicAuth": {"username": {"name": "n", "key": "k"}},
    "podMonitor.relabelings": [{"action": "drop"}],
    "podMonitor.metricRelabelings": [{"action": "drop"}],
    "podMonitor.tlsConfig": {"serverName": "x"},
    "serviceMonitor.tlsConfig": {"serverName": "x"},
    "serviceMonitor.basicAuth": {"username": {"name": "n", "key": "k"}},
    "podDisruptionBudget.maxUnavailable": "50%",
    "livenessProbe": {"tcpSocket": {"port": "metrics"}},
    "readinessProbe": {"exec": {"command": ["ghe-exporter", "healthcheck"]}},
    "podSecurityContext": {"runAsUser": 1000},
    "securityContext": {"runAsUser": 1000},
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
}
TLS = {"webConfig": {"existingSecret": "web"}}


def nested(name: str, value: Any) -> dict[str, Any]:
    """A value by its dotted name."""
    for key in reversed(name.split(".")):
        value = {key: value}
    return dict(value)


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Both, the second deciding."""
    both = first | second
    return both | {
        key: merged(first[key], second[key]) for key in first.keys() & second if isinstance(first[key], dict)
    }


def in_full(name: str) -> Any:
    """The value in ci/full-values.yaml, if it is there."""
    found: Any = FULL
    for key in name.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


@pytest.mark.parametrize("name", [name for name in VALUES if name not in ELSEWHERE])
def test_every_value_has_an_effect(name: str) -> None:
    """Each value, changed alone, changes what is rendered, so that none is forgotten in the templates."""
    value = OTHERWISE.get(name, in_full(name))
    assert value is not None, "ci/full-values.yaml does not set it"
    section = name.partition(".")[0]
    needed = nested(section, NEEDS[section]) if section in NEEDS and not name.endswith(".enabled") else {}
    if name.endswith((".tlsConfig", ".tlsSecret")):
        needed = merged(needed, TLS)
    before = merged({} if name in {"config", "credentials"} else ONE, needed)
    after = merged(before, nested(name, value))
    if name == "config":
        after = merged(after, {"credentials": FULL["credentials"]})
    assert manifests(after) != manifests(before)


@pytest.mark.parametrize(("kind", "name"), [("ServiceMonitor", "serviceMonitor"), ("PodMonitor", "podMonitor")])
def test_a_short_interval_alone_is_enough(kind: str, name: str) -> None:
    """The operator leaves out monitors whose time-out is longer than the interval, and says so only in its log."""
    spec = the({name: {"enabled": True, "interval": "5s"}}, kind)["spec"]
    (endpoint,) = spec.get("endpoints") or spec["podMetricsEndpoints"]
    assert (endpoint["interval"], "scrapeTimeout" in endpoint) == ("5s", False)


@pytest.mark.parametrize(("given", "expected"), [("", None), ("-", ""), ("fast", "fast")])
def test_storage_class_may_be_absent_empty_or_named(given: str, expected: str | None) -> None:
    """None asks for the cluster's default; an empty one for a volume made by hand."""
    claim = the({"persistence": {"enabled": True, "storageClass": given}}, "PersistentVolumeClaim")
    assert claim["spec"].get("storageClassName") == expected


def test_without_tls_there_is_no_certificate_to_verify() -> None:
    values = {"serviceMonitor": {"enabled": True, "tlsConfig": {"serverName": "x"}}}
    assert "tlsConfig" not in the(values, "ServiceMonitor")["spec"]["endpoints"][0]


def test_pull_secrets_may_be_names_or_objects() -> None:
    secrets = pod({"image": {"pullSecrets": ["one", {"name": "two"}]}})["spec"]["imagePullSecrets"]
    assert secrets == [{"name": "one"}, {"name": "two"}]


def test_service_account_is_created_unless_switched_off() -> None:
    assert pod({})["spec"]["serviceAccountName"] == NAME
    assert of_kind({"serviceAccount": {"create": False}}, "ServiceAccount") == []
    assert pod({"serviceAccount": {"create": False}})["spec"]["serviceAccountName"] == "default"


def test_port_follows_the_configuration() -> None:
    """The port the exporter listens on is the one that is probed, scraped and let in."""
    values = {"config": {"listen": "0.0.0.0:9000"}, "networkPolicy": {"enabled": True}}
    assert container(values)["ports"][0]["containerPort"] == 9000
    assert the(values, "NetworkPolicy")["spec"]["ingress"][0]["ports"][0]["port"] == 9000
    assert the(values, "Service")["spec"]["ports"][0]["targetPort"] == container(values)["ports"][0]["name"]


def test_names_are_asked_at_the_ports_of_openshift_too() -> None:
    """The pods of its resolver listen at 5353, which is where a NetworkPolicy looks."""

    def asked(**values: Any) -> set[tuple[int, str]]:
        (first, *_) = the({"networkPolicy": {"enabled": True, **values}}, "NetworkPolicy")["spec"]["egress"]
        return {(port["port"], port["protocol"]) for port in first["ports"]} - {(443, "TCP")}

    assert asked() == {(53, "UDP"), (53, "TCP"), (5353, "UDP"), (5353, "TCP")}
    assert asked(dnsPorts=[1053]) == {(1053, "UDP"), (1053, "TCP")}


@pytest.mark.parametrize(
    ("values", "protocol"),
    [({}, "http"), (TLS, "https"), ({"webConfig": {"existingSecret": "w", "tls": False}}, "http")],
)
def test_service_names_its_protocol(values: dict[str, Any], protocol: str) -> None:
    """A mesh would guess it otherwise."""
    assert the(values, "Service")["spec"]["ports"][0]["appProtocol"] == protocol


def test_probes_use_the_scheme_of_the_web_server() -> None:
    for values, scheme in (
        ({}, "HTTP"),
        (TLS, "HTTPS"),
        ({"webConfig": {"existingSecret": "w", "tls": False}}, "HTTP"),
        ({"config": {"web": {"config_file": "/etc/own/web.yaml"}}}, "HTTPS"),
    ):
        found = container(values)
        assert found["livenessProbe"]["httpGet"] == {"path": "/-/healthy", "port": "metrics", "scheme": scheme}
        assert found["readinessProbe"]["httpGet"] == {"path": "/-/ready", "port": "metrics", "scheme": scheme}
    other = container({"livenessProbe": {"tcpSocket": {"port": "metrics"}}})["livenessProbe"]
    assert "httpGet" not in other


def test_web_configuration_reaches_exporter_and_monitor() -> None:
    """The exporter gets the file, monitors use HTTPS."""
    values = {"webConfig": {"existingSecret": "web", "key": "w.yml"}, "serviceMonitor": {"enabled": True}}
    assert "--web.config.file=/etc/ghe-exporter/web/w.yml" in container(values)["args"]
    assert the(values, "ServiceMonitor")["spec"]["endpoints"][0]["scheme"] == "https"
    mounted = {mount["mountPath"] for mount in container(values)["volumeMounts"]}
    assert "/etc/ghe-exporter/web" in mounted


def test_checksum_follows_the_configuration() -> None:
    """Another configuration restarts the pods; the same does not."""

    def checksum(values: dict[str, Any]) -> Any:
        return pod(values)["metadata"]["annotations"]["checksum/config"]

    assert checksum(ONE) == checksum(ONE | {"replicaCount": 2})
    assert checksum(ONE) != checksum(ONE | {"config": {"log_level": "debug"}})


def test_state_dir_is_a_claim_or_an_empty_dir_or_absent() -> None:
    """A claim where persistence is enabled, else an emptyDir where the configuration wants one, else nothing."""

    def state(values: dict[str, Any]) -> Manifest:
        (volume,) = [volume for volume in pod(values)["spec"]["volumes"] if volume["name"] == "state"]
        return dict(volume)

    claimed = ONE | {"persistence": {"enabled": True}}
    assert state(claimed)["persistentVolumeClaim"] == {"claimName": NAME}
    assert dict(configurations(manifests(claimed)))[NAME]["state_dir"] == "/var/lib/ghe-exporter"
    assert the(claimed, "Deployment")["spec"]["strategy"] == {"type": "Recreate"}
    existing = ONE | {"persistence": {"enabled": True, "existingClaim": "results"}}
    assert state(existing)["persistentVolumeClaim"] == {"claimName": "results"}
    assert of_kind(existing, "PersistentVolumeClaim") == []
    assert state(ONE | {"config": {"state_dir": "/state"}})["emptyDir"] == {}
    assert {"name": "state", "mountPath": "/state"} in container({"config": {"state_dir": "/state"}})["volumeMounts"]
    assert "state" not in {volume["name"] for volume in pod(ONE)["spec"]["volumes"]}


def test_extras_are_filled_in() -> None:
    """Templates in the extra values know the release."""
    text = "{{ .Release.Name }}-{{ .Values.service.port }}"
    values = {
        "extraEnv": [{"name": "A", "value": text}],
        "extraArgs": [f"--x={text}"],
        "extraVolumes": [{"name": "x", "configMap": {"name": text}}],
        "extraVolumeMounts": [{"name": "x", "mountPath": f"/{text}"}],
        "extraManifests": [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": text}}],
    }
    found = container(values)
    assert found["env"] == [{"name": "A", "value": "acme-10204"}]
    assert found["args"][-1] == "--x=acme-10204"
    assert found["volumeMounts"][-1]["mountPath"] == "/acme-10204"
    assert pod(values)["spec"]["volumes"][-1]["configMap"] == {"name": "acme-10204"}
    assert the(values, "Secret")["metadata"]["name"] == "acme-10204"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"image": {"tags": "1"}}, "'/image': additional properties 'tags' not allowed"),
        ({"config": {"enterprise": []}}, "'/config': additional properties 'enterprise' not allowed"),
        ({"config": {"enterprises": [{"slgu": "acme"}]}}, "additional properties 'slgu' not allowed"),
        ({"config": {"collectors": {"runner": {}}}}, "additional properties 'runner' not allowed"),
        ({"config": {"log_level": "loud"}}, "'/config/log_level': value must be one of"),
        ({"config": {"enterprises": [{"slug": "acme", "auth": {"token": "x"}}]}}, "additional properties 'token' not"),
        ({"credentials": [{"enterprise": "acme", "secret": "x"}]}, "additional properties 'secret' not allowed"),
        ({"credentials": [{"enterprise": "acme"}]}, "missing property 'existingSecret'"),
        ({"shards": 0}, "'/shards'"),
        ({"shards": [{"name": "UPPER", "enterprises": ["acme"]}]}, "'/shards'"),
        ({"image": {"digest": "sha256:abc"}}, "'/image/digest'"),
        ({"serviceMonitor": {"enabled": "yes"}}, "'/serviceMonitor/enabled': got string, want boolean"),
        ({"podLabels": {"a": 1}}, "'/podLabels/a': got number, want string"),
        ({"prometheusRule": {"disabled": ["GitHubSeatsForcast"]}}, "'/prometheusRule/disabled/0'"),
        ({"config": {"enterprises": [{"slug": "a b"}]}}, "'/config/enterprises/0/slug': 'a b' does not match"),
        ({"config": {"enterprises": [{"slug": "acme", "api_url": "HOST"}]}}, "api_url': 'HOST' does not match"),
        ({"config": {"listen": "10204"}}, "'/config/listen': '10204' does not match"),
        ({"credentials": [CREDENTIALS[0] | {"enterprise": "acme/../x"}]}, "(acme/../x): this is no slug"),
        ({"livenessProbe": {"periodSecond": 5}}, "'/livenessProbe': additional properties 'periodSecond' not allowed"),
        ({"resources": {"limit": {}}}, "'/resources': additional properties 'limit' not allowed"),
        ({"extraEnv": [{"key": "A"}]}, "'/extraEnv/0'"),
        ({"extraVolumes": [{"configMap": {"name": "x"}}]}, "'/extraVolumes/0': missing property 'name'"),
    ],
)
def test_typing_errors_are_refused(values: dict[str, Any], said: str) -> None:
    """The schema names the place."""
    with pytest.raises(HelmError) as caught:
        rendered(values)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"credentials": [{"enterprise": "acme", "existingSecret": "s"}]}, "give tokenKey, or appIdKey with"),
        (
            {"credentials": [CREDENTIALS[0] | {"appIdKey": "i", "privateKeyKey": "k"}]},
            "give tokenKey, or appIdKey with",
        ),
        (
            {"credentials": [CREDENTIALS[0] | {"passwordKey": "p"}]},
            "passwordKey is for manage_auth, and goes with none of the other keys",
        ),
        (
            {"credentials": [{"enterprise": "acme", "existingSecret": "s", "appIdKey": "i"}]},
            "credentials[0] (acme): give tokenKey, or appIdKey with privateKeyKey",
        ),
        (ONE | {"config": {"enterprises": [{"slug": "globex"}]}}, "config.enterprises has no such enterprise"),
        ({"credentials": [CREDENTIALS[0]] * 2}, "credentials[1] (acme): there are two credentials for the same use"),
        (
            {"credentials": [CREDENTIALS[0], CREDENTIALS[0] | {"enterprise": "Acme"}]},
            "credentials[1] (Acme): there are two credentials for the same use",
        ),
        (ONE | {"config": {"enterprises": [{"slug": "acme"}, {"slug": "Acme"}]}}, "enterprises: Acme is there twice"),
        (
            {"credentials": [CREDENTIALS[0] | {"runner": True, "organization": "acme-web"}]},
            "give one of runner and organization",
        ),
        (ONE | {"replicaCount": 2, "persistence": {"enabled": True}}, "two replicas cannot share a state_dir"),
        (ONE | {"webConfig": {"tlsSecret": "tls"}}, "webConfig.tlsSecret: without webConfig.existingSecret"),
        (
            {"credentials": CREDENTIALS, "shards": 2, "persistence": {"enabled": True, "existingClaim": "x"}},
            "one claim cannot serve several shards",
        ),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], said: str) -> None:
    """Values that the schema cannot check are checked by the templates."""
    with pytest.raises(HelmError) as caught:
        rendered(values)
    assert said in str(caught.value)
