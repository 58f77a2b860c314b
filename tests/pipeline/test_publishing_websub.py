"""A hub is told once of each feed that has changed, and again only of what it missed."""

import json
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from digest.app import App
from digest.config import load
from digest.fetching import HttpFetcher
from digest.pipeline import websub

DEFAULTS = Path(__file__).parents[2] / "config" / "digest.toml"


class Hub(BaseHTTPRequestHandler):
    """Writes down what it is told, and answers as it is asked to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append(parse_qsl(body.decode()))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.end_headers()

    def log_message(self, *_args):
        """Nothing."""


@pytest.fixture
def hub():
    server = HTTPServer(("127.0.0.1", 0), Hub)
    server.told, server.answers = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def with_hub(application):
    """Makes the same application with a hub at an address on this machine."""
    made = []

    def make(url):
        settings = load(
            DEFAULTS,
            environment={},
            overrides={
                "db": application.settings.db,
                "site.url": "https://digest.example",
                "feeds.hub": url,
            },
        )
        app = App(settings, clock=application.clock).create()
        app.__dict__["fetcher"] = HttpFetcher(app.user_agent, allow_private=True, default_spacing=0)
        made.append(app)
        return app

    yield make
    for each in made:
        each.close()


@pytest.mark.parametrize("allowed", [True, False])
def test_a_hub_on_this_machine_is_told_only_if_the_settings_allow_private_addresses(
    application, hub, item, allowed
):
    overrides = {
        "db": application.settings.db,
        "site.url": "https://digest.example",
        "feeds.hub": hub.url,
        "fetch.allow_private": allowed,
    }
    application.store.papers.ingest([item(1)])
    settings = load(DEFAULTS, environment={}, overrides=overrides)

    with App(settings, clock=application.clock) as app:
        app.tell_hub()

    assert bool(hub.told) is allowed


@pytest.fixture
def telling(with_hub, hub):
    return with_hub(hub.url)


def urls(told):
    return [value for key, value in told if key == "hub.url"]


def test_a_hub_is_told_of_every_format_of_each_changed_feed_once(telling, hub, item):
    telling.store.papers.ingest([item(1), item(2, category="q-bio.NC")])
    telling.tell_hub()
    assert {value for told in hub.told for key, value in told if key == "hub.mode"} == {"publish"}
    named = [url for told in hub.told for url in urls(told)]
    feeds = json.loads(telling.store.sources.cursor(websub.TOLD))
    assert len(named) == len(set(named)) == 3 * len(feeds)
    assert all(feeds.values())
    assert "https://digest.example/feeds/cs.IR.atom" in named
    assert "https://digest.example/feeds/cs.IR.rss" in named

    hub.told.clear()
    telling.tell_hub()
    assert hub.told == []


def test_only_what_has_changed_is_told(telling, hub, item, application):
    telling.store.papers.ingest([item(1), item(2, category="q-bio.NC")])
    telling.tell_hub()
    hub.told.clear()
    application.moment[0] += timedelta(hours=1)
    telling.store.papers.ingest([item(3, category="q-bio.NC", seen_at=telling.clock())])
    telling.tell_hub()
    (told,) = hub.told
    assert set(urls(told)) == {
        f"https://digest.example/feeds/q-bio.NC.{kind}" for kind in ("rss", "atom", "json")
    }


def test_what_a_hub_did_not_take_it_is_told_of_the_next_time(telling, hub, item, caplog):
    telling.store.papers.ingest([item(1)])
    hub.answers.append(503)
    telling.tell_hub()
    assert telling.store.sources.cursor(websub.TOLD) is None
    assert "the hub was not told" in caplog.text
    refused = [urls(told) for told in hub.told]

    hub.told.clear()
    telling.tell_hub()
    assert [urls(told) for told in hub.told] == refused != []
    assert all(json.loads(telling.store.sources.cursor(websub.TOLD)).values())


def test_a_hub_that_is_not_there_stops_nothing(with_hub, item, caplog):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}/"
    app = with_hub(nowhere)
    app.store.papers.ingest([item(1)])
    app.tell_hub()
    assert "the hub was not told" in caplog.text


def test_without_a_hub_nobody_is_told_anything(application, item):
    application.store.papers.ingest([item(1)])
    application.tell_hub()
    assert application.store.sources.cursor(websub.TOLD) is None


def test_the_worker_tells_the_hub_though_no_folder_is_written(telling, hub, item, tmp_path):
    from digest.worker import rounds

    telling.store.papers.ingest([item(1)])
    rounds.publish(telling, changed=True)
    assert any("https://digest.example/feeds/cs.IR.atom" in urls(told) for told in hub.told)
    assert not (tmp_path / "public").exists()
    hub.told.clear()
    rounds.publish(telling, changed=False)
    assert hub.told == []
