"""0004: what rankers keep of readers."""

from __future__ import annotations

# What is made of someone's likes and dislikes, by whoever made it in which space (an opaque name).
# It is forgotten as soon as they say something new, or a paper they speak of comes, goes or changes.
TASTES = """
CREATE TABLE tastes (
    subscriber_id TEXT NOT NULL
        REFERENCES subscribers (id) ON UPDATE CASCADE ON DELETE CASCADE,
    space TEXT NOT NULL,
    liking BLOB NOT NULL,
    disliking BLOB NOT NULL,
    PRIMARY KEY (subscriber_id, space)
) STRICT;
"""

FORGOTTEN = """
CREATE TRIGGER taste_of_another_word AFTER INSERT ON interests
WHEN new.kind IN ('like', 'dislike') BEGIN
    DELETE FROM tastes WHERE subscriber_id = new.subscriber_id;
END;

CREATE TRIGGER taste_of_a_changed_word AFTER UPDATE ON interests
WHEN new.kind IN ('like', 'dislike') OR old.kind IN ('like', 'dislike') BEGIN
    DELETE FROM tastes WHERE subscriber_id IN (new.subscriber_id, old.subscriber_id);
END;

CREATE TRIGGER taste_of_a_word_taken_back AFTER DELETE ON interests
WHEN old.kind IN ('like', 'dislike') BEGIN
    DELETE FROM tastes WHERE subscriber_id = old.subscriber_id;
END;

CREATE TRIGGER taste_of_a_new_name AFTER INSERT ON identifiers BEGIN
    DELETE FROM tastes WHERE subscriber_id IN (
        SELECT subscriber_id FROM interests
        WHERE kind IN ('like', 'dislike', 'known') AND value = new.key
    );
END;

CREATE TRIGGER taste_of_a_lost_name AFTER DELETE ON identifiers BEGIN
    DELETE FROM tastes WHERE subscriber_id IN (
        SELECT subscriber_id FROM interests
        WHERE kind IN ('like', 'dislike', 'known') AND value = old.key
    );
END;

CREATE TRIGGER taste_of_another_text AFTER UPDATE OF title, abstract ON papers
WHEN (old.title, old.abstract) <> (new.title, new.abstract) BEGIN
    DELETE FROM tastes WHERE subscriber_id IN (
        SELECT i.subscriber_id FROM identifiers AS k CROSS JOIN interests AS i ON i.value = k.key
        WHERE k.paper_id = new.id AND i.kind IN ('like', 'dislike', 'known')
    );
END;
"""

SCRIPTS = (TASTES, FORGOTTEN)
