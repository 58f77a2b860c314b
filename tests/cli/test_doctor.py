"""`digest doctor`, as an operator runs it."""


def wrong(ran):
    return [(each["check"], each["text"]) for each in ran.json if each["level"] == "wrong"]


def test_a_mail_server_that_cannot_be_understood_is_said_once_and_by_its_key(
    digest, tmp_path, monkeypatch
):
    monkeypatch.delenv("DIGEST_SMTP_URL")
    (tmp_path / "digest.toml").write_text('[smtp]\nurl = "pigeon://coop"\n')
    digest("init")

    ((check, text),) = wrong(digest("doctor", "--json"))

    assert check == "mail"
    assert text.startswith("[smtp] url: not a kind of address we know")
