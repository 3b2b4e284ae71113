"""Tests of the real server: address, taken port, other hosts, and its end."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from latentclust.errors import LatentclustError
from latentclust.viewer.serve import bind, url_of


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "latentclust", "view", *arguments, "--no-open"]


def test_the_server_answers_at_its_address_and_ends_with_ctrl_c(folder: Path) -> None:
    with bind("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    command = _command(str(folder), "--port", str(port))
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith(f"http://127.0.0.1:{port}/")
        token = url.rstrip("/").rpartition("/")[2]
        page = httpx.get(url)
        assert page.status_code == 200
        assert "labels – latentclust" in page.text
        assert str(folder) not in page.text
        assert httpx.get(url.replace(token, "x")).status_code == 403
        assert httpx.get(url, headers={"host": "evil.example"}).status_code == 403
        assert httpx.get(f"{url}static/%2e%2e/app.py").status_code == 400
        with pytest.raises(LatentclustError, match=rf"port {port} cannot be used"):
            bind("127.0.0.1", port)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "example.org", "::"])
def test_other_hosts_are_refused(host: str) -> None:
    with pytest.raises(LatentclustError, match="is not a loopback address"):
        bind(host, 0)


def test_addresses_of_both_families() -> None:
    with bind("localhost", 0) as listener:
        assert url_of(listener, "token") == f"http://127.0.0.1:{listener.getsockname()[1]}/token/"
    if socket.has_ipv6:
        with bind("::1", 0) as listener:
            assert url_of(listener, "token").startswith("http://[::1]:")
