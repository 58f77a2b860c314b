"""Values of the right type that could only do harm are refused when settings are read, by name."""

import typing
from dataclasses import fields

import pytest

from digest.app import App
from digest.config import Settings, arxiv_topics, bounds, load
from digest.config.settings import SourceSettings
from digest.editions import parse_cadence
from digest.errors import ConfigError, InvalidInput
from digest.pipeline.catalogue import Catalogue
from digest.rendering import links


def from_file(tmp_path, text, **environment):
    file = tmp_path / "digest.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environment=environment)


def refused(tmp_path, text, **environment):
    with pytest.raises(ConfigError) as caught:
        from_file(tmp_path, text, **environment)
    return str(caught.value)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(
    "key",
    ["ranking.trending", "smtp.timeout", "fetch.max_wire_mb", "experiments.share"],
)
def test_a_number_that_is_none_or_infinite_is_refused(tmp_path, key, number):
    section, name = key.split(".")
    said = refused(tmp_path, f"[{section}]\n{name} = {number}\n")
    assert f"digest.toml: {key} must be a finite number, not {number}." in said


def test_an_infinite_number_is_refused_among_options_and_from_the_environment(tmp_path):
    options = "[experiments]\noptions = { trending = nan }\n"
    assert "experiments.options.trending must be a finite number" in refused(tmp_path, options)
    assert (
        refused(tmp_path, "", DIGEST_SUBSCRIBER_FLOOR="nan")
        == "DIGEST_SUBSCRIBER_FLOOR: subscriber.floor must be a finite number, not nan."
    )


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ('trending = "0.0"', "trending must be a number from 0 to 100, not '0.0'."),
        ("trending = 101", "trending must be a number from 0 to 100, not 101."),
        ("cap = 1.5", "cap must be a whole number from 1 to 100000, not 1.5."),
        ("explore = true", "explore must be a whole number from 0 to 1, not True."),
    ],
)
def test_the_second_ranker_gets_nothing_that_the_first_could_not_have(tmp_path, option, words):
    against = 'against = ".linear:LinearRanker"'
    said = refused(tmp_path, f"[experiments]\n{against}\noptions = {{ {option} }}\n")
    assert said == f"[experiments] options {words}"


def test_the_second_ranker_may_have_options_of_its_own_and_numbers_of_the_firsts(tmp_path):
    options = 'options = { boldness = "very", trending = 0, explore = 1, block = "by author" }'
    text = f'[experiments]\nagainst = "mine:Mine"\n{options}\n'
    assert from_file(tmp_path, text).experiments.options["boldness"] == "very"


def test_every_number_has_a_least_and_a_most():
    numbers = {
        f"{section}.{field.name}"
        for section, kind in typing.get_type_hints(Settings).items()
        if isinstance(kind, type) and kind.__name__.endswith("Settings")
        for field in (fields(kind) if kind is not SourceSettings else ())
        if typing.get_type_hints(kind)[field.name] in (int, float)
    }
    assert numbers == set(bounds.RANGES)


@pytest.mark.parametrize("key", sorted(bounds.RANGES))
def test_a_number_out_of_its_range_is_refused_by_name(tmp_path, key):
    section, name = key.split(".")
    for number, words in ((10**29, "must be at most"), (-1, "must be at least")):
        said = refused(tmp_path, f"[{section}]\n{name} = {number}\n")
        assert said.startswith(f"[{section}] {name} {words} ")


@pytest.mark.parametrize(
    ("key", "number"),
    [
        ("worker.nightly_hour", 24),
        ("worker.tick", 21_601),
        ("keep.papers", 36_501),
        ("keep.logs", 0),
        ("smtp.block", 0),
        ("fetch.interval", 29),
        ("fetch.interval", 525_601),
        ("experiments.share", 1.5),
        ("subscriber.floor", 1.5),
        ("ranking.explore", 2),
    ],
)
def test_a_number_just_out_of_a_range_that_prevents_harm_is_refused(tmp_path, key, number):
    section, name = key.split(".")
    said = refused(tmp_path, f"[{section}]\n{name} = {number}\n")
    assert said.startswith(f"[{section}] {name} must be at ")


def test_a_number_of_thousands_of_digits_is_one_short_sentence(tmp_path):
    digits = "9" * 5_000
    assert "not valid TOML" in refused(tmp_path, f"[feeds]\nlimit = {digits}\n")
    assert "smtp.timeout must be a number" in refused(
        tmp_path, f"[smtp]\ntimeout = {digits[:400]}\n"
    )
    assert "PORT must be a number" in refused(tmp_path, "", PORT=digits)
    assert len(refused(tmp_path, "", PORT=digits)) < 100


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[subscriber]\nat = "25:00"\n', "[subscriber] at is wrong: '25:00' is not a time"),
        ('[subscriber]\ntz = "Mars/Base"\n', "[subscriber] tz is wrong: There is no time zone"),
        ('[subscriber]\ncadence = "hourly"\n', "[subscriber] cadence is wrong: A digest comes"),
        ('[subscriber]\nquiet = "loud"\n', "[subscriber] quiet must be"),
        ("[subscriber]\nlimit = 51\n", "[subscriber] limit must be at most 50, not 51"),
        ('[site]\nurl = "https://[::1"\n', "[site] url"),
        ('[site]\nurl = "https://digest.example:99999"\n', "[site] url"),
        ('[site]\nurl = "https://digest.example:0"\n', "[site] url"),
        ('[site]\nurl = "https://ada:secret@digest.example"\n', "[site] url"),
        ('[site]\nname = " "\n', "[site] name"),
        ('[site]\nlanguage = "English (UK)"\n', "[site] language"),
        ('[feeds]\nhub = "hub.example"\n', "[feeds] hub"),
        ('[feeds]\nhub = "https://hub.example/é"\n', "[feeds] hub"),
        ('[feeds]\nhub = "https://hub.example/?lab=物理"\n', "[feeds] hub"),
        (r'''feeds.hub = "https://hub.example/?a=\r\nX-Forged: 1"''', "[feeds] hub"),
        ('[feeds]\nhub = "https://hub.example/?a=>; rel=self, <https://b"\n', "[feeds] hub"),
        ('[site]\nurl = "https://dígest.example"\n', "write it as xn--…"),
        ('[web]\nhosts = ["dígest.example"]\n', "write it as xn--…"),
        ('[web]\nhosts = ["Kelvin.example"]\n', "[web] hosts"),  # its K is the sign of the unit
        ('[web]\nhosts = ["https://digest.example"]\n', "[web] hosts"),
        ('[web]\nhosts = ["*.digest.example"]\n', "[web] hosts"),
        ('[web]\nhost = " "\n', "[web] host must not be empty; 0.0.0.0 listens everywhere"),
        ('[web]\nhost = "http://127.0.0.1"\n', "[web] host must be a bare name or address"),
        ('[web]\noperator = "abc"\n', "[web] operator"),
        ("[ranking]\nexplore = 2\n", "[ranking] explore"),
        ('[sources.arxiv]\ncategories = "cs.LG"\n', "sources.arxiv.categories"),
        ('[mail]\nfrom = "Ada <ada@example.org>"\n', "[mail] from"),
        ('[mail]\nfrom = ""\n', "[mail] from"),
        ('[mail]\nunsubscribe_to = "a@b, c@d"\n', "[mail] unsubscribe_to"),
        ('[site]\nurl = "javascript:alert(1)//"\n', "[site] url"),
        ('[site]\nurl = "digest.example.org"\n', "[site] url"),
        ('[web]\nproxies = ["127.0.0.1", "localhost"]\n', "[web] proxies"),
        ('[web]\nproxies = ["caddy:80"]\n', "[web] proxies"),
        ('[web]\nproxies = ["10.0.0.1/8"]\n', "host bits must be zero"),
        ('[web]\nproxies = ["*", "10.0.0.0/8"]\n', "or `*` alone"),
        ('[topics.folding]\nkeywords = ["fold"]\n', "[topics.folding] has no papers"),
        ('[topics.folding]\nname = "Folding"\n', "[topics.folding] has no papers"),
        ('[topics.folding]\nphrases = ["--"]\n', "[topics.folding] has no papers"),
        ('[topics.folding]\ncategories = [""]\n', "[topics.folding] has no papers"),
    ],
)
def test_a_value_that_would_go_wrong_later_is_refused_at_once(tmp_path, text, named):
    assert named in refused(tmp_path, text)


@pytest.mark.parametrize(
    ("place", "character"),
    [("db", "\\u0000"), ("db", "\\u007f"), *((place, "\\n") for place in ("db", *bounds.PLACES))],
)
def test_no_path_or_host_holds_a_control_character(tmp_path, place, character):
    section, _, name = place.rpartition(".")

    said = refused(tmp_path, f'{place} = "a{character}b"\n')

    called = f"[{section}] {name}" if section else name
    assert said == f"{called} must not hold control characters, such as a line break."


@pytest.mark.parametrize(
    "text",
    [
        '[web]\nhost = "::"\n[keep]\nbackups = "Ärzte & Co"\n',
        '[subscriber]\nat = "7pm"\ntz = "berlin"\ncadence = "fri"\n',
        '[site]\nurl = "https://[2001:db8::1]:8443/lab/"\nlanguage = "zh-Hant-TW"\n',
        '[feeds]\nhub = "https://hub.example/?site=1&at=https://b.example/?c@d"\n',
        '[site]\nurl = "https://xn--dgest-1sa.example"\n',
        '[web]\nhosts = ["digest_web:8000", "[::1]", "Digest.Example.org"]\n',
    ],
)
def test_unusual_values_that_do_no_harm_are_taken(tmp_path, text):
    assert from_file(tmp_path, text)


@pytest.mark.parametrize("word", ["daily", "Friday", " thu ", "fr", "weekday", "fridays", ""])
def test_a_cadence_is_taken_if_it_can_be_read(tmp_path, word):
    text = f'[subscriber]\ncadence = "{word}"\n'
    try:
        parse_cadence(word)
    except InvalidInput:
        assert "[subscriber] cadence" in refused(tmp_path, text)
    else:
        assert from_file(tmp_path, text)


@pytest.mark.parametrize("name", ["Trending", "trending-week", "Picks", "mine", "cs.lg", "-LLM-"])
def test_a_topic_whose_feed_would_have_the_address_of_another_is_refused(tmp_path, name):
    said = refused(tmp_path, f'[topics."{name}"]\nphrases = ["folding"]\n')
    assert said.startswith(f"[topics.{name}] must have another id")
    assert "its `name` may stay" in said


@pytest.mark.parametrize("name", ["Math", "Physics", "CS", "Stat", "math"])
def test_a_topic_may_bear_the_name_of_an_archive_that_no_paper_has_as_a_category(tmp_path, name):
    one = f'[topics.{name}]\nphrases = ["proof"]\n'
    assert from_file(tmp_path, one).topics[name].phrases == ("proof",)
    assert "[topics.-cs-]" in refused(tmp_path, '[topics.-cs-]\nphrases = ["proof"]\n')
    one += f'categories = ["{name}"]\n'
    other = name.swapcase() + "!"
    assert f"[topics.{other}]" in refused(
        tmp_path, f'{one}[topics."{other}"]\nphrases = ["lemma"]\n'
    )


def test_a_topic_beside_an_archive_has_a_feed_of_its_own(tmp_path):
    settings = from_file(tmp_path, '[topics.Math]\nphrases = ["proof"]\n')
    object.__setattr__(settings, "db", str(tmp_path / "digest.db"))
    with App(settings) as app:
        made = Catalogue(app.create().store, app.feed_terms, app.clock())
        assert "Math" in {each.info.slug for each in made.feeds}
        assert made.find("Math").topic.phrases == ("proof",)
        assert made.find("math").topic.categories == ("math",)


@pytest.mark.parametrize(
    ("floor", "taken"),
    [("0.00005", 0.00005), ("1e-5", 0.00001), ("1e-9", 0), ("0.333333333", 0.333333), ("1", 1)],
)
def test_whoever_signs_up_gets_the_floor_of_the_settings(tmp_path, floor, taken):
    with App(from_file(tmp_path, f"[subscriber]\nfloor = {floor}\n")) as app:
        assert app.newcomer.floor == taken


def test_of_names_without_a_letter_one_is_taken(tmp_path):
    one = '[topics."🦊"]\nphrases = ["folding"]\n'
    assert from_file(tmp_path, one).topics["🦊"]
    assert "[topics.🦉]" in refused(tmp_path, one + '[topics."🦉"]\nphrases = ["docking"]\n')


def test_all_topics_that_come_by_default_have_addresses_of_their_own():
    slugs = [links.slug(each).casefold() for each in load(environment={}).topics]
    assert len(set(slugs)) == len(slugs) > len(arxiv_topics())


def test_the_names_that_are_taken_are_those_of_the_feeds_there_are(tmp_path):
    with App(load(environment={}, overrides={"db": str(tmp_path / "digest.db")})) as app:
        app.create()
        made = Catalogue(app.store, app.feed_terms, app.clock()).feeds
    assert {each.info.slug for each in made if each.topic is None} | {"mine"} == set(bounds.FEEDS)
