"""The processes of the Procfile, started and stopped as a process manager does."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

DIGEST = [sys.executable, "-m", "digest"]


@pytest.fixture
def environment(tmp_path):
    """Settings for processes that must not reach the network."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DIGEST_DB": str(tmp_path / "digest.db"),
        "DIGEST_SMTP_URL": f"maildir:{tmp_path / 'maildir'}",
        "DIGEST_WORKER_PUBLISH": str(tmp_path / "public"),
        "DIGEST_KEEP_BACKUPS": str(tmp_path / "backups"),
        "DIGEST_SOURCES_ARXIV_URL": "http://127.0.0.1:9/rss/",
        "DIGEST_SOURCES_ARXIV_OAI_URL": "http://127.0.0.1:9/oai",
        "DIGEST_SOURCES_HUGGINGFACE_URL": "http://127.0.0.1:9/hf",
        "DIGEST_WEB_PORT": str(port),
    }


def wait_for(condition, seconds=40):
    """Poll until it holds; what we wait for is another process, so there is nothing to inject."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.2)
    return False


def healthy(environment):
    try:
        url = f"http://127.0.0.1:{environment['DIGEST_WEB_PORT']}/health"
        with urllib.request.urlopen(url, timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_worker_drains_and_stops_when_asked(environment, tmp_path, number):
    process = subprocess.Popen(
        [*DIGEST, "worker"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert wait_for((tmp_path / "public" / "feeds.opml").is_file)
        process.send_signal(number)
        assert "finishing what is in hand" in process.communicate(timeout=30)[1]
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def test_the_web_process_ends_in_order_when_its_terminal_goes(environment, tmp_path):
    process = subprocess.Popen(
        [*DIGEST, "web"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert wait_for(lambda: healthy(environment))
        process.send_signal(signal.SIGHUP)
        assert "Application shutdown complete" in process.communicate(timeout=30)[1]
    finally:
        process.kill()
        process.wait()


def test_a_worker_that_was_started_with_nohup_stays(environment, tmp_path):
    process = subprocess.Popen(["nohup", *DIGEST, "worker"], cwd=tmp_path, env=environment)
    try:
        assert wait_for((tmp_path / "public" / "feeds.opml").is_file)
        process.send_signal(signal.SIGHUP)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)
    finally:
        process.kill()
        process.wait()


def test_a_wrong_setting_stops_the_worker_at_once_with_a_sentence(environment, tmp_path):
    environment["DIGEST_SMTP_URL"] = "carrier-pigeon://coop"
    ran = subprocess.run(
        [*DIGEST, "worker"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert "[smtp] url" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_the_procfile_runs_under_honcho(environment, tmp_path):
    release = subprocess.run(
        ["honcho", "-f", ROOT / "Procfile", "-d", tmp_path, "run", "digest", "migrate"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert release.returncode == 0, release.stderr
    process = subprocess.Popen(
        ["honcho", "-f", ROOT / "Procfile", "-d", tmp_path, "start", "web", "worker"],
        env={**environment, "PORT": environment["DIGEST_WEB_PORT"]},
    )
    try:
        assert wait_for(lambda: healthy(environment))
        assert wait_for((tmp_path / "public" / "feeds.opml").is_file)
        process.terminate()
        process.wait(timeout=40)
    finally:
        process.kill()
        process.wait()
    assert not healthy(environment)
