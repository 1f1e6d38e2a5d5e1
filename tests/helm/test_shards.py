"""Which Deployment of the chart reads which enterprise, with which credential."""

from typing import Any

import pytest
from helm_python import HelmError

from tests.support.chart import CREDENTIALS, NAME, SLUGS, Manifest, configurations, manifests, of_kind, rendered

Plan = dict[str, list[str]]


def plan(values: dict[str, Any]) -> Plan:
    """The enterprises that each configuration lists."""
    found = configurations(manifests({"credentials": CREDENTIALS, **values}))
    return {name: [entry["slug"] for entry in document["enterprises"]] for name, document in found}


def secrets_of(deployment: Manifest) -> dict[str, str]:
    """Where the pods of *deployment* have which secret."""
    pod = deployment["spec"]["template"]["spec"]
    names = {volume["name"]: volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume}
    mounts = pod["containers"][0]["volumeMounts"]
    return {mount["mountPath"]: names[mount["name"]] for mount in mounts if mount["name"] in names}


@pytest.mark.parametrize(
    ("shards", "expected"),
    [
        (1, {NAME: ["acme", "globex", "octo"]}),
        (2, {f"{NAME}-0": ["acme", "octo"], f"{NAME}-1": ["globex"]}),
        (3, {f"{NAME}-0": ["acme"], f"{NAME}-1": ["globex"], f"{NAME}-2": ["octo"]}),
        (9, {f"{NAME}-0": ["acme"], f"{NAME}-1": ["globex"], f"{NAME}-2": ["octo"]}),
        (
            [{"name": "large", "enterprises": ["Octo"]}, {"name": "rest", "enterprises": ["globex", "acme"]}],
            {f"{NAME}-large": ["octo"], f"{NAME}-rest": ["globex", "acme"]},
        ),
    ],
)
def test_every_enterprise_is_read_once(shards: Any, expected: Plan) -> None:
    """By turns, or as named; a shard that would have nothing to read does not exist."""
    found = plan({"shards": shards})
    assert found == expected
    assert sorted(slug for slugs in found.values() for slug in slugs) == sorted(SLUGS)


def test_one_more_at_the_end_moves_nobody() -> None:
    before = plan({"shards": 2})
    more = [*CREDENTIALS, {"enterprise": "acme-labs", "existingSecret": "s", "tokenKey": "token"}]
    after = plan({"shards": 2, "credentials": more})
    assert all(after[name][: len(slugs)] == slugs for name, slugs in before.items())


def test_each_shard_has_its_own_secrets_only() -> None:
    """A compromised shard has the tokens of its own enterprises only."""
    values = {"credentials": CREDENTIALS, "shards": 3}
    found = [secrets_of(deployment) for deployment in of_kind(values, "Deployment")]
    assert found == [{f"/etc/ghe-exporter/credentials/{slug}/auth": f"{slug}-github"} for slug in SLUGS]


def test_each_shard_has_its_own_claim() -> None:
    values = {"credentials": CREDENTIALS, "shards": 3, "persistence": {"enabled": True}}
    claims = {claim["metadata"]["name"] for claim in of_kind(values, "PersistentVolumeClaim")}
    volumes = [item["spec"]["template"]["spec"]["volumes"] for item in of_kind(values, "Deployment")]
    used = [
        volume["persistentVolumeClaim"]["claimName"] for own in volumes for volume in own if volume["name"] == "state"
    ]
    assert len(used) == len(set(used)) == 3
    assert set(used) == claims


def test_another_enterprise_restarts_its_shard_only() -> None:
    def checksums(values: dict[str, Any]) -> list[str]:
        deployments = of_kind({"shards": 2, **values}, "Deployment")
        return [item["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for item in deployments]

    before = checksums({"credentials": CREDENTIALS[:2]})
    after = checksums({"credentials": CREDENTIALS})
    assert before[0] != after[0]
    assert before[1] == after[1]


@pytest.mark.parametrize(
    ("shards", "said"),
    [
        ([{"name": "a", "enterprises": ["acme", "globex"]}], "shards: no shard has octo"),
        (
            [{"name": "a", "enterprises": ["acme", "globex", "octo"]}, {"name": "b", "enterprises": ["acme"]}],
            "shards: b: acme is in another shard already",
        ),
        (
            [{"name": "a", "enterprises": ["acme"]}, {"name": "a", "enterprises": ["globex", "octo"]}],
            "shards: a is there twice",
        ),
        ([{"name": "a", "enterprises": ["acme-labs"]}], "shards: a: acme-labs is in another shard already, or not in"),
    ],
)
def test_lists_that_do_not_fit_are_refused(shards: Any, said: str) -> None:
    """Nobody is read twice, nobody is forgotten."""
    with pytest.raises(HelmError) as caught:
        rendered({"credentials": CREDENTIALS, "shards": shards})
    assert said in str(caught.value)


def test_credentials_become_settings() -> None:
    """Each file is where its setting says, and nothing but the named keys of a secret is mounted."""
    values = {
        "config": {"enterprises": [{"slug": "Acme", "organizations": ["acme-web", "acme-data"]}]},
        "credentials": [
            {"enterprise": "acme", "existingSecret": "app", "appIdKey": "id", "privateKeyKey": "pem"},
            {"enterprise": "acme", "existingSecret": "pat", "tokenKey": "t", "runner": True},
            {"enterprise": "acme", "existingSecret": "web", "tokenKey": "t", "organization": "acme-web"},
            {"enterprise": "acme", "existingSecret": "new", "tokenKey": "t", "organization": "acme-new"},
        ],
    }
    ((_, document),) = configurations(manifests(values))
    place = "/etc/ghe-exporter/credentials/acme"
    (enterprise,) = document["enterprises"]
    assert enterprise["slug"] == "Acme"
    app = f"{place}/auth"
    assert enterprise["auth"] == {"app_id_file": f"{app}/app-id", "private_key_file": f"{app}/private-key.pem"}
    assert enterprise["runner_auth"] == {"token_file": f"{place}/runner_auth/token"}
    auths = {item["name"]: item.get("auth") for item in enterprise["organizations"]}
    assert auths == {
        "acme-data": None,
        "acme-web": {"token_file": f"{place}/organization-acme-web/token"},
        "acme-new": {"token_file": f"{place}/organization-acme-new/token"},
    }
    (deployment,) = of_kind(values, "Deployment")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    items = {volume["secret"]["secretName"]: volume["secret"]["items"] for volume in volumes if "secret" in volume}
    assert items["app"] == [{"key": "id", "path": "app-id"}, {"key": "pem", "path": "private-key.pem"}]
    assert items["web"] == items["pat"] == items["new"] == [{"key": "t", "path": "token"}]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("auto", {"auto": True}),
        ({"auto": True, "exclude": ["acme-old-*"]}, {"auto": True, "exclude": ["acme-old-*"]}),
        ({"auto": True, "named": ["acme-data"]}, {"auto": True}),
    ],
)
def test_credential_of_an_organization_joins_those_that_are_found(given: Any, expected: dict[str, Any]) -> None:
    values = {
        "config": {"enterprises": [{"slug": "acme", "organizations": given}]},
        "credentials": [{"enterprise": "acme", "existingSecret": "s", "tokenKey": "t", "organization": "acme-data"}],
    }
    ((_, document),) = configurations(manifests(values))
    auth = {"token_file": "/etc/ghe-exporter/credentials/acme/organization-acme-data/token"}
    assert document["enterprises"][0]["organizations"] == {**expected, "named": [{"name": "acme-data", "auth": auth}]}


def test_organizations_to_find_stay_as_they_are_without_a_credential_of_theirs() -> None:
    values = {"config": {"enterprises": [{"slug": "acme", "organizations": "auto"}]}, "credentials": CREDENTIALS[:1]}
    ((_, document),) = configurations(manifests(values))
    assert document["enterprises"][0]["organizations"] == "auto"


OCTO = {
    "slug": "octo",
    "api_url": "https://github.octo.example.com/api/v3",
    "manage_url": "https://github.octo.example.com:8443",
    "manage_auth": {"username": "ghe-exporter"},
}
OCTO_TOKEN = {"enterprise": "octo", "existingSecret": "octo", "tokenKey": "t"}
OCTO_PASSWORD = {"enterprise": "octo", "existingSecret": "management", "passwordKey": "p"}


def test_password_of_the_management_api_becomes_a_file() -> None:
    """Its user is a setting, the password is mounted, and a NetworkPolicy lets the exporter ask at its port."""
    values = {
        "config": {"enterprises": [OCTO]},
        "credentials": [OCTO_TOKEN, OCTO_PASSWORD],
        "networkPolicy": {"enabled": True},
    }
    ((_, document),) = configurations(manifests(values))
    file = "/etc/ghe-exporter/credentials/octo/manage_auth/password"
    assert document["enterprises"][0]["manage_auth"] == {"username": "ghe-exporter", "password_file": file}
    (deployment,) = of_kind(values, "Deployment")
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    items = {volume["secret"]["secretName"]: volume["secret"]["items"] for volume in volumes if "secret" in volume}
    assert items["management"] == [{"key": "p", "path": "password"}]
    (policy,) = of_kind(values, "NetworkPolicy")
    assert {"port": 8443, "protocol": "TCP"} in policy["spec"]["egress"][0]["ports"]


def test_password_without_address_or_user_is_refused() -> None:
    for missing in ("manage_url", "manage_auth"):
        enterprise = {key: value for key, value in OCTO.items() if key != missing}
        with pytest.raises(HelmError, match=r"credentials\[1\] \(octo\): give config\.enterprises\[\]\.manage_url and"):
            rendered({"config": {"enterprises": [enterprise]}, "credentials": [OCTO_TOKEN, OCTO_PASSWORD]})


def test_one_slug_twice_without_names_is_refused() -> None:
    enterprises = [{"slug": "github"}, {"slug": "GitHub", "api_url": "https://github.acme.example.com/api/v3"}]
    with pytest.raises(HelmError, match="GitHub is there twice; give one of them another name"):
        rendered({"config": {"enterprises": enterprises}})


NAMED = {
    "config": {
        "enterprises": [
            {"slug": "github", "name": "acme: on site", "api_url": "https://github.acme.example.com/api/v3"},
            {"slug": "github", "name": "globex", "api_url": "https://github.globex.example.com/api/v3"},
        ]
    },
    "credentials": [
        {"enterprise": "acme: on site", "existingSecret": "one", "tokenKey": "t"},
        {"enterprise": "Globex", "existingSecret": "two", "tokenKey": "t"},
    ],
}
"""Two servers, which both call their enterprise github."""


def test_enterprises_of_one_slug_differ_by_name() -> None:
    """Credentials and shards name the enterprise as its metrics do."""
    shards = [{"name": "a", "enterprises": ["globex"]}, {"name": "b", "enterprises": ["acme: on site"]}]
    found = {name: document["enterprises"] for name, document in configurations(manifests({**NAMED, "shards": shards}))}
    ((globex,), (acme,)) = found[f"{NAME}-a"], found[f"{NAME}-b"]
    assert (globex["name"], globex["slug"], acme["name"], acme["slug"]) == (
        "globex",
        "github",
        "acme: on site",
        "github",
    )
    folders = [auth["auth"]["token_file"].removesuffix("/token") for auth in (globex, acme)]
    assert folders[0] == "/etc/ghe-exporter/credentials/Globex/auth"
    assert ":" not in folders[1]
    deployments = of_kind({**NAMED, "shards": shards}, "Deployment")
    assert [secrets_of(each) for each in deployments] == [{folders[0]: "two"}, {folders[1]: "one"}]
