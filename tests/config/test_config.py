"""Settings come from the shipped file, then a file, then the environment, then flags."""

from pathlib import Path

import pytest

from digest.config import arxiv_topics, load
from digest.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "config" / "digest.toml"


def from_file(tmp_path, text, **environment):
    file = tmp_path / "digest.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment=environment)


def test_the_shipped_file_equals_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    defaults, read = load(environment={}), load(SHIPPED, environment={})
    for section in ("db", "site", "smtp", "fetch", "sources", "topics", "worker", "keep", "web"):
        assert getattr(read, section) == getattr(defaults, section)


def test_every_setting_of_the_shipped_file_is_explained_above_it():
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    section_explained = False
    for above, line in zip(["", *lines], lines, strict=False):
        if line.startswith("["):
            section_explained = above.startswith("#") or line.split(".")[0] in (
                "[sources",
                "[topics",
            )
        elif line and not line.startswith("#"):
            explained = section_explained or above.startswith("#") or " = " in above
            assert explained, f"nothing explains {line!r}"


def test_a_file_overrides_only_what_it_names(tmp_path):
    settings = from_file(tmp_path, '[site]\nname = "Our lab"\n')
    assert settings.site.name == "Our lab"
    assert settings.site.language == "en"
    assert settings.origin.endswith("digest.toml")


def test_the_environment_wins_over_the_file_and_flags_win_over_both(tmp_path):
    file = tmp_path / "digest.toml"
    file.write_text('[smtp]\nurl = "smtp://file"\n[web]\nport = 1\n', encoding="utf-8")
    environment = {"DIGEST_SMTP_URL": "smtp://env", "DIGEST_WEB_PORT": "2"}
    settings = load(file, environment=environment, overrides={"web.port": 3})
    assert (settings.smtp.url, settings.web.port) == ("smtp://env", 3)


def test_the_port_that_a_process_manager_gives_is_taken_unless_we_were_told_ours(tmp_path):
    assert from_file(tmp_path, "", PORT="5000").web.port == 5000
    assert from_file(tmp_path, "", PORT="5000", DIGEST_WEB_PORT="80").web.port == 80


def test_the_port_of_a_process_manager_gives_way_to_a_file_that_holds_ours(tmp_path):
    ours = tmp_path / "port"
    ours.write_text("80\n", encoding="utf-8")
    assert from_file(tmp_path, "", PORT="5000", DIGEST_WEB_PORT_FILE=str(ours)).web.port == 80


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("DIGEST_FEEDS_LIMIT", "2.5", "DIGEST_FEEDS_LIMIT: feeds.limit must be a whole number"),
        ("DIGEST_FEEDS_LIMIT", "0", "DIGEST_FEEDS_LIMIT: [feeds] limit must be at least 1"),
        ("DIGEST_SITE_URL", "digest", "DIGEST_SITE_URL: [site] url must be a web address"),
        ("PORT", "70000", "PORT: [web] port must be at most 65535"),
        ("PORT", "²", "PORT must be a number"),
    ],
)
def test_what_a_variable_holds_is_not_blamed_on_the_file(tmp_path, variable, value, sentence):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, "", **{variable: value})
    assert str(caught.value).startswith(sentence)
    assert "digest.toml" not in str(caught.value)


def test_a_value_and_a_file_that_holds_one_are_not_both_given(tmp_path):
    with pytest.raises(ConfigError, match="DIGEST_SMTP_URL and DIGEST_SMTP_URL_FILE") as caught:
        from_file(tmp_path, "", DIGEST_SMTP_URL="smtp://a", DIGEST_SMTP_URL_FILE=str(SHIPPED))
    assert "keep one" in str(caught.value)


def test_an_empty_variable_gives_way_to_its_other_as_compose_files_pass_both(tmp_path):
    secret = tmp_path / "smtp"
    secret.write_text("smtp://a\n", encoding="utf-8")
    for value, file in (("", str(secret)), ("smtp://a", ""), (" ", str(secret))):
        settings = from_file(tmp_path, "", DIGEST_SMTP_URL=value, DIGEST_SMTP_URL_FILE=file)
        assert settings.smtp.url == "smtp://a"
    both_empty = {"DIGEST_WEB_OPERATOR": "", "DIGEST_WEB_OPERATOR_FILE": ""}
    assert from_file(tmp_path, "", **both_empty).web.operator == ""


def test_what_a_flag_says_wrongly_is_not_blamed_on_the_variable_it_wins_over():
    with pytest.raises(ConfigError) as caught:
        load(environment={"DIGEST_WEB_PORT": "80"}, overrides={"web.port": 99999})
    assert str(caught.value).startswith("[web] port must be at most 65535")


def test_a_secret_is_read_from_the_file_that_a_variable_names(tmp_path):
    secret = tmp_path / "smtp"
    secret.write_text("smtp://user:secret@mail\n", encoding="utf-8")
    settings = from_file(tmp_path, "", DIGEST_SMTP_URL_FILE=str(secret))
    assert settings.smtp.url == "smtp://user:secret@mail"


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    secret = tmp_path / "smtp"
    secret.write_text("smtp://user:secret@mail\n", encoding="utf-8-sig")

    settings = from_file(
        tmp_path, '\ufeff[site]\nname = "Our lab"\n', DIGEST_SMTP_URL_FILE=str(secret)
    )

    assert settings.site.name == "Our lab"
    assert settings.smtp.url == "smtp://user:secret@mail"


def test_a_source_can_be_pointed_elsewhere_by_the_environment(tmp_path):
    settings = from_file(
        tmp_path,
        "",
        DIGEST_SOURCES_ARXIV_OAI_URL="http://127.0.0.1/oai",
        DIGEST_SOURCES_ARXIV_CATEGORIES="cs.LG, cs.IR",
    )
    assert settings.sources["arxiv-oai"].options["url"] == "http://127.0.0.1/oai"
    assert settings.sources["arxiv"].options["categories"] == ["cs.LG", "cs.IR"]


def test_a_file_may_add_sources_and_topics_and_switch_sources_off(tmp_path):
    settings = from_file(
        tmp_path,
        '[sources.blog]\nuse = ".feed:FeedSource"\nurl = "https://blog.example/feed"\n'
        "[sources.huggingface]\nenabled = false\n"
        '[topics.folding]\nname = "Folding"\nphrases = ["protein folding"]\n',
    )
    assert settings.sources["blog"].options == {"url": "https://blog.example/feed"}
    assert not settings.sources["huggingface"].enabled
    assert settings.topics["folding"].phrases == ("protein folding",)


def test_an_experiment_may_have_arguments_of_its_own(tmp_path):
    assert not from_file(tmp_path, "").experiments.against
    settings = from_file(
        tmp_path,
        '[experiments]\nagainst = ".linear:LinearRanker"\noptions = { trending = 0.0 }\n',
    )
    assert settings.experiments.options == {"trending": 0.0}
    assert settings.experiments.share == 1


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[smtp]\nulr = "x"\n', "smtp.ulr"),
        ("[site]\nname = 3\n", "site.name"),
        ('[web]\nport = "eighty"\n', "web.port"),
        ("[fetch]\nallow_private = 1\n", "fetch.allow_private"),
        ("site = 3\n", "site"),
        ("[experiments]\noptions = 3\n", "experiments.options"),
        ("[sources]\nblog = 3\n", "sources.blog"),
        ('[sources.blog]\nurl = "x"\n', "sources.blog"),
        ("[topics.folding]\nphrase = []\n", "topics.folding.phrase"),
        ('[topics.folding]\nphrases = "one"\n', "topics.folding.phrases"),
    ],
)
def test_a_wrong_setting_is_named_with_its_file(tmp_path, text, named):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, text)
    assert named in str(caught.value)
    assert "digest.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"DIGEST_WEB_PORT": "eighty"}, "DIGEST_WEB_PORT"),
        ({"DIGEST_FETCH_ALLOW_PRIVATE": "maybe"}, "DIGEST_FETCH_ALLOW_PRIVATE"),
        ({"DIGEST_SMTP_URL_FILE": "/nowhere/at/all"}, "DIGEST_SMTP_URL_FILE"),
    ],
)
def test_a_wrong_variable_is_named(environment, named):
    with pytest.raises(ConfigError, match=named):
        load(SHIPPED, environment=environment)


def test_a_number_from_the_environment_may_have_a_fraction_where_the_setting_may():
    assert load(SHIPPED, environment={"DIGEST_SMTP_TIMEOUT": "2.5"}).smtp.timeout == 2.5
    with pytest.raises(ConfigError, match=r"web\.port must be a whole number"):
        load(SHIPPED, environment={"DIGEST_WEB_PORT": "80.5"})


@pytest.mark.parametrize("proxies", ["", "127.0.0.1, ::1", "10.0.0.0/8, fd00::/8, 192.0.2.7", "*"])
def test_proxies_are_addresses_networks_or_everybody(proxies):
    settings = load(SHIPPED, environment={"DIGEST_WEB_PROXIES": proxies})
    assert settings.web.proxies == tuple(proxies.split(", ") if proxies else ())


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", environment={})
    with pytest.raises(ConfigError, match="not valid TOML"):
        from_file(tmp_path, "[site\n")
    with pytest.raises(ConfigError, match=r"^/\S+ cannot be read: Is a directory\.$"):
        load(tmp_path, environment={})
    (tmp_path / "latin.toml").write_bytes('[site]\nname = "Café"\n'.encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.toml is not UTF-8: save it as UTF-8\.$"):
        load(tmp_path / "latin.toml", environment={})


def test_a_source_has_one_address(tmp_path):
    with pytest.raises(ConfigError, match=r"sources\.arxiv\.url must be text in quotes, not \["):
        from_file(tmp_path, '[sources.arxiv]\nurl = ["https://a.example/", "https://b.example/"]\n')


def test_a_source_of_ones_own_has_what_addresses_it_wants(tmp_path):
    settings = from_file(
        tmp_path, '[sources.many]\nuse = "mine:Many"\nurl = ["https://a.example/"]\n'
    )
    assert settings.sources["many"].options["url"] == ["https://a.example/"]


def test_a_misspelled_variable_is_found_out(tmp_path):
    settings = from_file(
        tmp_path,
        "",
        DIGEST_SMPT_URL="x",
        DIGEST_SMPT_URL_FILE="/nowhere/at/all",
        DIGEST_SMTP_URL="x",
        DIGEST_CONFIG="x",
        HOME="/",
    )
    assert settings.unknown_variables == ("DIGEST_SMPT_URL", "DIGEST_SMPT_URL_FILE")


def test_a_variable_for_a_source_or_topic_of_ones_own_is_known(tmp_path):
    settings = from_file(
        tmp_path,
        '[sources.distill]\nuse = ".feed:FeedSource"\n'
        '[topics.folding]\nname = "Folding"\nphrases = ["protein folding"]\n',
        DIGEST_SOURCES_DISTILL_URL="https://distill.example/feed",
        DIGEST_TOPICS_FOLDING_NAME="Protein folding",
    )
    assert settings.sources["distill"].options["url"] == "https://distill.example/feed"
    assert settings.topics["folding"].name == "Protein folding"
    assert settings.unknown_variables == ()


def test_every_arxiv_category_can_be_followed_by_name():
    topics = arxiv_topics()
    assert topics["cs.IR"].name == "Information Retrieval"
    assert topics["hep-th"].categories == ("hep-th",)
    assert topics["cond-mat.mes-hall"].group == "Condensed Matter"
    assert len(topics) > 160


def test_a_topic_of_the_settings_may_bear_the_name_of_a_category(tmp_path):
    settings = from_file(tmp_path, '[topics."cs.LG"]\nname = "Ours"\ncategories = ["cs.LG"]\n')
    assert settings.topics["cs.LG"].name == "Ours"
