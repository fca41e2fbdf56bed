"""docker/ as far as it can be judged without an engine: published schema, linter, and what it promises."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from labelcue.settings import load_settings

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*ockerfile"))
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STUDIO: dict[str, str] = SERVICES["labelstudio"]["environment"]


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A program of our own environment."""
    found = Path(sys.executable).with_name(program)
    assert found.exists(), f"{program} is a development dependency: run `make setup` again"
    return subprocess.run([str(found), *arguments], capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="check-jsonschema, which carries the schema, needs Python 3.11")
def test_compose_is_what_the_published_schema_says() -> None:
    judged = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(DOCKER / "compose.yaml"))
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_linter_finds_nothing_in_the_images(path: Path) -> None:
    judged = run("hadolint", "--no-color", str(path))
    assert judged.returncode == 0, judged.stdout + judged.stderr


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_has_a_pinned_base_a_user_a_healthcheck_and_no_secret(path: Path) -> None:
    text = path.read_text()
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"python:3.11.13-slim-bookworm"}
    assert re.search(r"^USER [1-9]\d+:[1-9]\d+$", text, re.MULTILINE)
    assert {"HEALTHCHECK", "STOPSIGNAL", "VOLUME"} <= {line.split(" ")[0] for line in text.splitlines()}
    assert not re.search(r"(?i)(secret|password|token)\w*=", text)


def test_what_an_image_copies_is_there_and_is_not_kept_from_the_build() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    for path in DOCKERFILES:
        for line in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", path.read_text(), re.MULTILINE):
            for name in line.split():
                assert (ROOT / name).exists(), name
                assert not any(name == part or name.startswith(f"{part}/") for part in ignored)
    assert {"docker/secrets", ".git", ".labelcue"} <= set(ignored)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_kept_in_bounds(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["read_only"] is service["init"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_signal"]
    assert re.search(r":\d+\.\d+", service["image"])
    assert service.get("user", "") == "999:999" or service["build"]["dockerfile"] in {
        str(path.relative_to(ROOT)) for path in DOCKERFILES
    }
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert any(":/" in volume for volume in service["volumes"])


def test_only_what_the_browser_needs_is_published_and_the_rest_is_internal() -> None:
    assert {name: service.get("ports") for name, service in SERVICES.items()} == {
        "postgres": None,
        "labelcue": ["127.0.0.1:9095:9095"],
        "labelstudio": ["127.0.0.1:8080:8080"],
    }
    assert SERVICES["postgres"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"]["internal"] is COMPOSE["networks"]["cue"]["internal"] is True


def test_secrets_come_as_files_that_make_secrets_writes_once(tmp_path: Path) -> None:
    shutil.copy(DOCKER / "make-secrets", tmp_path)
    first = subprocess.run(["sh", str(tmp_path / "make-secrets")], check=True, capture_output=True, text=True)
    made = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    second = subprocess.run(["sh", str(tmp_path / "make-secrets")], check=True, capture_output=True, text=True)
    assert {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()} == made
    assert not any(value.strip() in first.stdout + second.stdout for value in made.values())
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    settings = load_settings({"home": tmp_path}, tmp_path / "secrets" / "labelcue.toml")
    made.pop("labelcue.toml")
    assert settings.plugin_secret.get_secret_value() == made["plugin.secret"]
    others = (settings.basic_password, settings.webhook_secret)
    everything = [*made.values(), *(secret.get_secret_value() for secret in others)]
    assert len(set(everything)) == len(everything) == 6
    assert all(len(value) == 40 and value.isalnum() for value in everything)


def test_every_secret_is_declared_used_and_written_nowhere_else() -> None:
    declared = COMPOSE["secrets"]
    assert {secret["file"] for secret in declared.values()} == {f"./secrets/{name}" for name in declared}
    script = (DOCKER / "make-secrets").read_text()
    assert all(f"keep {name}" in script for name in declared)
    assert set(declared) == {name for service in SERVICES.values() for name in service["secrets"]}
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search(r"PASSWORD|SECRET|TOKEN", name):
                assert name.endswith("_FILE")
                assert str(value).removeprefix("/run/secrets/") in service["secrets"]
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text()


def test_label_studio_may_call_one_private_address_and_no_other() -> None:
    """Its own list, which stands in its `core/utils/io.py`, without LabelCue's address."""
    assert STUDIO["LABEL_STUDIO_ML_BLOCK_LOCAL_IP"] == STUDIO["LABEL_STUDIO_SSRF_PROTECTION_ENABLED"] == "true"
    banned = [ipaddress.ip_network(one) for one in STUDIO["LABEL_STUDIO_USER_ADDITIONAL_BANNED_SUBNETS"].split(",")]
    ours = ipaddress.IPv4Address(SERVICES["labelcue"]["networks"]["cue"]["ipv4_address"])
    assert not any(ours in network for network in banned)
    [given] = COMPOSE["networks"]["cue"]["ipam"]["config"]
    assert ours in ipaddress.ip_network(given["subnet"])
    assert ours not in ipaddress.ip_network(given["ip_range"]), "another container may get LabelCue's address"
    fours = [network for network in banned if isinstance(network, ipaddress.IPv4Network)]
    whole = ipaddress.collapse_addresses([*fours, ipaddress.IPv4Network(ours)])
    defaults = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
        192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 233.252.0.0/24
        240.0.0.0/4 255.255.255.255/32"""
    assert list(whole) == list(ipaddress.collapse_addresses(map(ipaddress.IPv4Network, defaults.split())))
    sixes = {str(network) for network in banned if network.version == 6}
    assert {"::1/128", "::ffff:0:0/96", "fc00::/7", "fe80::/10", "64:ff9b::/96"} <= sixes
    assert len(sixes) == 14


def test_a_task_is_locked_for_an_hour_and_nothing_calls_home() -> None:
    assert STUDIO["TASK_LOCK_TTL"] == "3600"
    assert STUDIO["LABEL_STUDIO_COLLECT_ANALYTICS"] == STUDIO["LABEL_STUDIO_LATEST_VERSION_CHECK"] == "false"
    assert STUDIO["LABEL_STUDIO_SENTRY_DSN"] == STUDIO["LABEL_STUDIO_FRONTEND_SENTRY_DSN"] == ""


def test_a_start_without_its_secret_s_file_fails_and_says_which(tmp_path: Path) -> None:
    missing = {"POSTGRE_PASSWORD_FILE": str(tmp_path / "nothing"), "PATH": os.environ["PATH"]}
    started = subprocess.run(
        ["sh", str(DOCKER / "labelstudio-start")], env=missing, capture_output=True, text=True, check=False
    )
    assert started.returncode != 0
    assert "nothing" in started.stderr


def test_the_page_tells_of_every_service_volume_and_secret() -> None:
    page = (DOCKER / "docs" / "README.md").read_text()
    for name in (*SERVICES, *COMPOSE["volumes"], *COMPOSE["secrets"]):
        assert f"`{name}`" in page, name
    assert "not built" in page
    for variable in set(re.findall(r"\$\{(\w+):-", json.dumps(COMPOSE))):
        assert f"`{variable}`" in page


def test_the_server_in_the_image_is_the_one_that_the_tests_run() -> None:
    pinned = (DOCKER / "labelstudio-server.lock").read_text().splitlines()
    wanted = [line for line in pinned if not line.startswith("#")]
    assert set(wanted) <= set((ROOT / "requirements.lock").read_text().splitlines())


@pytest.mark.slow
@pytest.mark.parametrize(("dockerfile", "built"), [("Dockerfile", "."), ("labelstudio.Dockerfile", "plugin")])
def test_what_an_image_copies_is_enough_to_build_its_wheel(tmp_path: Path, dockerfile: str, built: str) -> None:
    for line in re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", (DOCKER / dockerfile).read_text(), re.MULTILINE):
        for name in line.split():
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tmp_path / name)
            else:
                shutil.copy(source, tmp_path)
    wheels = tmp_path / "wheels"
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(wheels), f"./{built}"], cwd=tmp_path, check=True, timeout=600)
    assert len(list(wheels.glob("labelcue*.whl"))) == 1
