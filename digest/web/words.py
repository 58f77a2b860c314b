"""Sentences and labels of the subscriber's pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from digest import subscriptions
from digest.model import Feedback, FeedbackKind, Interest, InterestKind, SubmissionState, Topic

# After a form the next page says what was done, by a code in its address (`?done=saved`).
DONE: Mapping[str, str] = {
    "saved": "Your preferences are saved. They apply from the next digest on.",
    "paused": "Your digests are paused. You can resume them at any time with the button below.",
    "resumed": "Your digests are resumed. You can pause them again below.",
    "again": "The digests of the last seven days are on their way to you again.",
    "none-again": "There is no digest of the last seven days to send again.",
    "not-again": "Nothing was sent: digests that are on their way already are not sent twice, "
    "others twice a day at most, and only while your subscription is active.",
    "often": "You have asked for this too often today. Please try again tomorrow.",
    "weighed": "The weight is changed from the next digest on. To undo, set it back.",
    "dropped": "It is removed from your profile. To undo, add it again at the bottom of this page.",
    "added": "It is added to your profile. To undo, remove it again.",
    "undone": "That is undone.",
    "undone-before": "There was nothing to undo: it was undone before.",
    "submitted": "Thank you. The curators will look at it; it is in the list below.",
    "submitted-before": "This paper was already submitted and waits for a curator; nothing was added.",
    "submitted-waiting": "This paper was already submitted and is being looked up; nothing was added.",
    "submitted-featured": "This paper was already submitted and is featured; nothing was added.",
    "featured": "It is featured: the picks page and digests show it from now on.",
    "rejected": "It is turned down. To undo, feature it in the list of decided papers.",
    "kept": "The line is saved.",
    "letter": "A link is on its way to your address; it expires in an hour.",
    "asked": "We wrote to both addresses. Nothing changes until each of them has agreed.",
    "links": "All your old links are invalid now. A mail with a new one is on its way.",
}

KINDS: Mapping[InterestKind, tuple[str, str]] = {
    InterestKind.TOPIC: ("Topics", "a topic"),
    InterestKind.KEYWORD: ("Keywords", "a keyword"),
    InterestKind.AUTHOR: ("Authors", "an author"),
    InterestKind.QUERY: ("Saved searches", "a search"),
    InterestKind.LIKE: ("Papers you like", "a paper you want more like"),
    InterestKind.DISLIKE: ("Papers you would rather see less of", ""),
    InterestKind.MUTE: ("Muted words", "a muted word"),
    InterestKind.MUTE_AUTHOR: ("Hidden authors", "a hidden author"),
    InterestKind.MUTE_TOPIC: ("Hidden topics", "a hidden topic"),
    InterestKind.KNOWN: ("Papers you knew already", ""),
}
PAPERS = frozenset({InterestKind.LIKE, InterestKind.DISLIKE, InterestKind.KNOWN})
WEIGHTED = (
    InterestKind.TOPIC,
    InterestKind.KEYWORD,
    InterestKind.AUTHOR,
    InterestKind.QUERY,
    InterestKind.LIKE,
    InterestKind.DISLIKE,
)
WEIGHTS: tuple[tuple[float, str], ...] = (
    (0.5, "a little"),
    (1.0, "normal"),
    (1.5, "more"),
    (2.0, "a lot"),
    (4.0, "very much"),
)

STATES: Mapping[SubmissionState, str] = {
    SubmissionState.WAITING: "being looked up",
    SubmissionState.OPEN: "waits for a curator",
    SubmissionState.FEATURED: "featured",
    SubmissionState.REJECTED: "turned down",
}
UNFOUND = "could not be found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer button: its word in addresses, its label, what it does, and how it is reported.

    `said` and `noted` may name the hidden `{value}`, and `noted` the `{title}` of the paper.
    """

    word: str
    label: str
    does: str
    said: str
    noted: str


ANSWERS: Mapping[FeedbackKind, Answer] = {
    FeedbackKind.MORE: Answer(
        word="more",
        label="More like this",
        does="Your next digests will hold more like this paper.",
        said="more like this",
        noted="Noted: more like “{title}”, from your next digest on.",
    ),
    FeedbackKind.LESS: Answer(
        word="less",
        label="Less like this",
        does="Your next digests will hold less like this paper.",
        said="less like this",
        noted="Noted: less like “{title}”, from your next digest on.",
    ),
    FeedbackKind.SAVE: Answer(
        word="save",
        label="Save",
        does="The paper is added to your saved papers and counts as one you like.",
        said="save it",
        noted="Saved: “{title}”.",
    ),
    FeedbackKind.KNOWN: Answer(
        word="known",
        label="Already knew it",
        does="It will not be picked for you again. This says nothing about whether you like it.",
        said="already knew it",
        noted="Noted: you knew “{title}”. It will not be picked for you again.",
    ),
    FeedbackKind.UPVOTE: Answer(
        word="upvote",
        label="Upvote",
        does="Everyone sees one more vote for it, without your name.",
        said="upvote",
        noted="Noted: your vote for “{title}”.",
    ),
    FeedbackKind.HIDE_AUTHOR: Answer(
        word="hide-author",
        label="Hide an author",
        does="Nothing by them will be picked for you again.",
        said="hide {value}",
        noted="Noted: nothing by {value} will be picked for you again.",
    ),
    FeedbackKind.HIDE_TOPIC: Answer(
        word="hide-topic",
        label="Hide a topic",
        does="Nothing in it will be picked for you again.",
        said="hide {value}",
        noted="Noted: nothing in {value} will be picked for you again.",
    ),
}
BY_WORD: Mapping[str, FeedbackKind] = {each.word: kind for kind, each in ANSWERS.items()}
CHOOSING = frozenset({FeedbackKind.HIDE_AUTHOR, FeedbackKind.HIDE_TOPIC})
# The last one given of these two replaces the other.
OPPOSITE: Mapping[FeedbackKind, FeedbackKind] = {
    FeedbackKind.MORE: FeedbackKind.LESS,
    FeedbackKind.LESS: FeedbackKind.MORE,
}


def said(feedback: Feedback, topics: Mapping[str, Topic]) -> str:
    """Feedback in words, also to follow "You said:"."""
    if feedback.kind is FeedbackKind.SEEN_ALL:
        return "all seen"
    return ANSWERS[feedback.kind].said.format(value=_value(feedback, topics))


def noted(feedback: Feedback, title: str, topics: Mapping[str, Topic]) -> str:
    """What feedback changes, as a sentence; `title` is that of its paper."""
    if feedback.kind is FeedbackKind.SEEN_ALL:
        return "Everything so far is marked as seen and will not come again."
    return ANSWERS[feedback.kind].noted.format(title=title, value=_value(feedback, topics))


def _value(feedback: Feedback, topics: Mapping[str, Topic]) -> str:
    is_topic = feedback.kind is FeedbackKind.HIDE_TOPIC
    return named(feedback.value, topics) if is_topic else feedback.value


def day_of(at: datetime, tz: str) -> date:
    """The date of a moment in a reader's time zone."""
    return at.astimezone(ZoneInfo(tz)).date()


def evidence(feedback: Feedback, topics: Mapping[str, Topic], tz: str) -> str:
    """Where an interest comes from: the feedback, its day, and why the paper was in the digest."""
    place = f", paper {feedback.rank} of your digest" if feedback.rank else ""
    because = f" {feedback.reason[:1].lower()}{feedback.reason[1:]}" if feedback.reason else ""
    at = day_of(feedback.at, tz)
    day = f"{at.day} {at:%B %Y}"
    return f"You said “{said(feedback, topics)}” on {day}{place}{because and ','}{because}."


def for_page(message: str) -> str:
    """An error message without the hint that only helps on the command line."""
    return message.replace(subscriptions.ALL_TOPICS, "The topics page lists them all.")


def named(topic_id: str, topics: Mapping[str, Topic]) -> str:
    """A topic's name, with its code if that differs."""
    topic = topics.get(topic_id)
    return f"{topic.name} ({topic_id})" if topic and topic.name != topic_id else topic_id


def interest(each: Interest, titles: Mapping[str, str], topics: Mapping[str, Topic]) -> str:
    """An interest in words: a topic's name, a paper's title, or what was typed."""
    if each.kind in (InterestKind.TOPIC, InterestKind.MUTE_TOPIC):
        return named(each.value, topics)
    return titles.get(each.value, each.value) if each.kind in PAPERS else each.value
