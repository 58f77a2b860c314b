"""What the doctor says of the mail server's log, which is asked after a crash."""

from __future__ import annotations

import pytest

from digest import doctor
from digest.app import App
from digest.config import load


@pytest.fixture
def findings(tmp_path):
    """What the doctor finds with settings of `[smtp]`."""

    def examined(**smtp):
        overrides = {"db": str(tmp_path / "digest.db")}
        overrides |= {f"smtp.{key}": value for key, value in smtp.items()}
        with App(load(environment={}, overrides=overrides)) as app:
            found = doctor._guarded("mail log", doctor._mail_log, app)
            return [(each.level, each.text) for each in found]

    return examined


def test_a_log_that_can_be_read_is_fine(findings, tmp_path):
    log = tmp_path / "mail.log"
    log.write_text("")

    ((level, text),) = findings(url="smtp://localhost", maillog=str(log))

    assert (level, str(log) in text) == ("fine", True)


def test_a_log_that_cannot_be_read_is_wrong(findings, tmp_path):
    log = tmp_path / "nowhere.log"

    (found,) = findings(url="smtp://localhost", maillog=str(log))

    assert found == ("wrong", f"No such file or directory: {log}.")


@pytest.mark.parametrize(
    ("url", "levels"),
    [
        ("smtp://127.0.0.1:25", ["warning"]),
        ("smtp://localhost", ["warning"]),
        ("smtp://mx.example.net:587", []),
        ("maildir:outbox", []),
    ],
)
def test_only_of_a_server_on_this_machine_a_log_is_missed(findings, url, levels):
    assert [level for level, _ in findings(url=url)] == levels
