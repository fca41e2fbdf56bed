"""No fetch outside Label Studio and what the operator allowed, whatever a task says: a trap on loopback counts."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from labelcue.errors import TaskUnreadable
from labelcue.media.origins import Gate, Origin, is_public, origin_of
from labelcue.types import TaskId
from picturing import TOKEN, close_media, media_at
from serving_media import Studio, serving

__all__ = ["close_media"]  # the fixture
TASK = TaskId(7)
TRAPS = """
http://127.0.0.1:PORT/
http://localhost:PORT/
http://LOCALHOST:PORT/
http://localhost.:PORT/
http://127.1:PORT/
http://127.0.1:PORT/
http://127.0.0.2:PORT/
http://127.255.255.254:PORT/
http://0:PORT/
http://0.0.0.0:PORT/
http://2130706433:PORT/
http://017700000001:PORT/
http://0177.0.0.1:PORT/
http://0177.0000.0000.0001:PORT/
http://0x7f000001:PORT/
http://0x7f.0.0.1:PORT/
http://0x7f.1:PORT/
http://127.0.0.1.:PORT/
http://[::1]:PORT/
http://[0:0:0:0:0:0:0:1]:PORT/
http://[::]:PORT/
http://[::ffff:127.0.0.1]:PORT/
http://[::ffff:7f00:1]:PORT/
http://[0:0:0:0:0:ffff:127.0.0.1]:PORT/
http://[::127.0.0.1]:PORT/
http://[64:ff9b::127.0.0.1]:PORT/
http://[2002:7f00:1::]:PORT/
http://[::1%25lo]:PORT/
http://[fe80::1%25lo]:PORT/
http://①②⑦.⓪.⓪.①:PORT/
http://127。0。0。1:PORT/
http://loc\u00adalhost:PORT/
http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/
http://user@127.0.0.1:PORT/
http://user:password@127.0.0.1:PORT/
http://labelstudio.invalid@127.0.0.1:PORT/
http://labelstudio.invalid:8080@127.0.0.1:PORT/
http://127.0.0.1:PORT#@labelstudio.invalid/
http://127.0.0.1:PORT?@labelstudio.invalid/
http://127.0.0.1:PORT\\@labelstudio.invalid/
http://labelstudio.invalid\\@127.0.0.1:PORT/
http:\\\\127.0.0.1:PORT/
http:/127.0.0.1:PORT/
http:127.0.0.1:PORT/
http:///127.0.0.1:PORT/
//127.0.0.1:PORT/
///127.0.0.1:PORT/
/\\127.0.0.1:PORT/
\\\\127.0.0.1:PORT/
127.0.0.1:PORT/
localhost:PORT/
https://127.0.0.1:PORT/
HTTP://127.0.0.1:PORT/
hTTp://127.0.0.1:PORT/
\thttp://127.0.0.1:PORT/
http://127.0.0.1:PORT/a b
ht\ttp://127.0.0.1:PORT/
http://127.0.0.1\r\nHost: labelstudio.invalid:PORT/
http://127.0.0.1:PORT/\r\nX: y
http://127.0.0.1:PORT\x00.labelstudio.invalid/
http://trap.example:PORT/
http://labelstudio.invalid.trap.example:PORT/
http://169.254.169.254/latest/meta-data/
http://[fd00:ec2::254]/latest/meta-data/
http://metadata.google.internal/
http://10.0.0.1/
http://192.168.0.1/
http://100.64.0.1/
file:///etc/passwd
file://localhost/etc/passwd
file:/etc/passwd
ftp://127.0.0.1:PORT/
gopher://127.0.0.1:PORT/_GET
dict://127.0.0.1:PORT/
ldap://127.0.0.1:PORT/
jar:http://127.0.0.1:PORT/!/
view-source:http://127.0.0.1:PORT/
unix:///var/run/docker.sock
javascript:alert(1)
blob:http://127.0.0.1:PORT/
/etc/passwd
../../etc/passwd
""".strip("\n").split("\n")


@pytest.fixture
def trap() -> Iterator[Studio]:
    with serving() as found:
        yield found


def labelstudio_gone(host: str, port: int) -> list[str]:
    """Label Studio's name has an address that takes no connection; names of traps lead to loopback."""
    if host == "labelstudio.invalid":
        raise OSError("no such name")
    return ["127.0.0.1"] if host.endswith("trap.example") else [str(ip[4][0]) for ip in socket.getaddrinfo(host, port)]


def refused(media_value: str, **options: object) -> None:
    """Label Studio itself is not there, so whatever is asked of it fails too: only the trap tells."""
    media = media_at("http://labelstudio.invalid/", resolve=labelstudio_gone, **options)  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"\w") as caught:
        media.read(TASK, media_value)
    assert type(caught.value).__name__ in ("TaskUnreadable", "LabelStudioDown")


@pytest.mark.parametrize("address", TRAPS)
def test_no_address_of_a_task_leads_to_the_trap(trap: Studio, address: str) -> None:
    trap.gives("/", b"secret")
    refused(address.replace("PORT", str(trap.server_port)))
    assert trap.asked == []


@pytest.mark.parametrize("address", TRAPS)
def test_not_even_where_the_operator_allowed_its_name(trap: Studio, address: str) -> None:
    trap.gives("/", b"secret")
    address = address.replace("PORT", str(trap.server_port))
    try:
        allowed = (origin_of(httpx.URL(address.strip())),)
    except (httpx.InvalidURL, ValueError):
        allowed = ()
    refused(address, allowed=allowed)
    assert trap.asked == []


@pytest.mark.parametrize("location", TRAPS)
def test_no_redirect_leads_to_the_trap(trap: Studio, location: str) -> None:
    trap.gives("/", b"secret")
    location = location.replace("PORT", str(trap.server_port))
    with serving() as studio:
        studio.redirects("/data/upload/1/a.png", location.encode("utf-8").decode("latin-1").replace("\r\n", ""))
        with pytest.raises(TaskUnreadable):
            media_at(studio.url).read(TASK, "/data/upload/1/a.png")
    assert trap.asked == []


def test_a_name_that_changes_between_check_and_connection_finds_no_gap(trap: Studio) -> None:
    answers = iter([["127.0.0.1"], ["93.184.216.34"]])
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    origin = Origin("http", "rebinding.example", trap.server_port)
    media = media_at("http://labelstudio.invalid/", allowed=(origin,), resolve=rebinding)
    with pytest.raises(TaskUnreadable, match=r"leads to 127\.0\.0\.1"):
        media.read(TASK, f"http://rebinding.example:{trap.server_port}/")
    # One question a connection: what was judged is what would have been connected to.
    assert asked == ["rebinding.example"]
    assert trap.asked == []


def test_one_private_address_among_public_ones_spoils_the_name() -> None:
    gate = Gate(httpx.URL("http://ls.example/"), (), lambda *_: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(TaskUnreadable, match=r"10\.0\.0\.1"):
        gate.addresses("mixed.example", 80)


def test_the_token_goes_to_label_studio_alone(trap: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    # As if loopback were the open internet: the allowed origin is asked, without the token.
    monkeypatch.setattr("labelcue.media.origins.is_public", lambda address: True)
    trap.gives("/a.png", b"signed")
    with serving() as studio:
        studio.redirects("/tasks/7/resolve/", f"{trap.url}a.png?signature=canary", 303)
        allowed = (Origin("http", "127.0.0.1", trap.server_port),)
        media = media_at(studio.url, allowed=allowed)
        assert media.read(TASK, "s3://bucket/a.png") == b"signed"
        assert media.read(TASK, f"{trap.url}a.png") == b"signed"
        assert {sign for _, sign in studio.asked} == {TOKEN}
        assert {sign for _, sign in trap.asked} == {""}
        trap.gives("/a.png", b"", 403)
        with pytest.raises(TaskUnreadable) as caught:
            media.read(TASK, "s3://bucket/a.png")
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.2.1", "192.168.1.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:a00:1::", "2001:0:a00:1::", "fc00::1", "fe80::1%eth0", "ff02::1", "2001:db8::1", "x",
    ],
)  # fmt: skip
def test_what_is_not_on_the_open_internet(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111"])
def test_what_is_on_the_open_internet(address: str) -> None:
    assert is_public(address)


BOMB = """
import re, struct, threading, zlib
from pathlib import Path
from PIL import Image
from labelcue.embedders.picture import read_picture
from labelcue.errors import TaskUnreadable

def read(raw):
    try:
        return read_picture(raw, 160, threading.Lock()).shape
    except TaskUnreadable as error:
        return str(error)

def png(width, height, rows):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    deflate = zlib.compressobj(1)
    data = b"".join(deflate.compress(bytes(1 + 4 * width)) for _ in range(rows)) + deflate.flush()
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\\x89PNG\\r\\n\\x1a\\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")

Image.init()
assert "pixels" in read(png(65_535, 65_535, 9))
assert read(png(10_000, 5_000, 5_000)) == (160, 160, 3)
# Not ru_maxrss: that goes on from what the process which started this one took.
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's alone")
def test_bombs_take_less_than_a_gigabyte() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BOMB], capture_output=True, text=True, check=False, env={"PYTHONPATH": _path()}
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 1_000_000


def _path() -> str:
    import labelcue

    return str(Path(labelcue.__file__).parents[1])
