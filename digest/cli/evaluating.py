"""The command that measures ranking: evaluate."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from digest.cli.context import Context, pass_context, progress
from digest.cli.files import replacing
from digest.errors import ConfigError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from digest.app import App
    from digest.evaluation.contestants import Maker
    from digest.evaluation.datasets import Dataset, Task
    from digest.evaluation.running import Record
    from digest.ports import Ranker
    from digest.ranking.embedding import SentenceEmbedder
    from digest.ranking.space import Space

    Keep = Callable[[Task, list[str]], None]

OURS = ("digest+", "digest")
OWN_DAYS = 60

file_option = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("dataset", required=False, type=click.Path(path_type=Path))
@click.option(
    "--own",
    is_flag=True,
    help="Instead: replay the answered editions of our own readers (--ranker then also takes a "
    "class named as in [ranking] use), and say whom they prefer in [experiments].",
)
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    help="With --own: go back this many days. Default: 60.",
)
@click.option(
    "--ranker",
    "names",
    metavar="NAME",
    multiple=True,
    help="Compare this one: a built-in name, module:Class, or a file of rankings (.jsonl, "
    ".jsonl.gz). Repeatable; the others are compared with ours, or else the first. Default: digest "
    "(ours), svm, rocchio, zotero, lsa, knn, tfidf, popularity, random.",
)
@click.option("--set", "sets", metavar="NAME", multiple=True, help="Only this set. Repeatable.")
@click.option(
    "--variant", "variants", metavar="NAME", multiple=True, help="Only this variant. Repeatable."
)
@click.option(
    "--people",
    type=click.IntRange(1),
    help="Only this many people of each set and variant, always the same ones.",
)
@click.option(
    "--truth",
    type=file_option,
    help="The answers. Default: truth.jsonl in DATASET, or DATASET-truth.jsonl beside it.",
)
@click.option(
    "--out",
    type=file_option,
    help="Write our rankings (or the one ranker's) here; needs no answers.",
)
@click.option("--picture", type=file_option, help="Draw bars with intervals here, as SVG.")
@click.option("--json", "as_json", type=file_option, help="Write all numbers here, as JSON.")
@click.option(
    "--embedder",
    metavar="MODEL",
    help="A sentence embedder for ours (then `digest+`) and zotero: a folder or a model's name.",
)
@pass_context
def evaluate(
    context: Context,
    dataset: Path | None,
    own: bool,
    days: int | None,
    names: tuple[str, ...],
    sets: tuple[str, ...],
    variants: tuple[str, ...],
    people: int | None,
    truth: Path | None,
    out: Path | None,
    picture: Path | None,
    as_json: Path | None,
    embedder: str | None,
) -> None:
    """Measure ranking on DATASET, a folder of papers, people and days, beside other recipes.

    Prints nDCG, recall and MRR with intervals, by how much is known of a person, and the time
    per subscriber.
    """
    from digest.evaluation import datasets  # noqa: PLC0415 - keeps `--help` quick

    if own:
        if any((dataset, sets, variants, people, truth, out, picture, embedder)):
            raise InvalidInput("--own goes with --days, --ranker and --json alone.")
        _own(context, names, days=days or OWN_DAYS, as_json=as_json)
        return
    if dataset is None or days:
        raise InvalidInput(
            "Name a dataset, as in `digest evaluate FOLDER`, or ask of your own readers with --own."
        )
    chosen = datasets.read(dataset, truth=truth)
    if not chosen.answered and (picture or as_json or not out):
        raise InvalidInput(
            f"{dataset} has no answers to measure rankings by: name them with --truth FILE, or "
            "write rankings with --out FILE."
        )
    chosen = chosen.chosen(sets=sets, variants=variants, people=people)
    model = _embedder(embedder) if embedder else None
    records = _records(chosen, names, out, model)
    if chosen.answered:
        _show(chosen, records, picture=picture, as_json=as_json)


def _own(context: Context, names: Sequence[str], *, days: int, as_json: Path | None) -> None:
    from digest.evaluation import own  # noqa: PLC0415 - keeps `--help` quick

    with context.app() as app, progress("replaying") as done:
        before = own.learned_before(app.store, app.space, days=days, now=app.clock())
        rankers, against = _replayed(app, names, before)
        proof = own.prove(
            app.store, rankers, against=against, days=days, now=app.clock(), progress=done
        )
    click.echo("\n".join(own.lines(proof)))
    if as_json:
        _write(as_json, json.dumps(own.values(proof), indent=1) + "\n")


def _replayed(app: App, names: Sequence[str], space: Space | None) -> tuple[dict[str, Ranker], str]:
    """The configured ranker, the one it is compared with, and the named ones; the second's name."""
    from digest.evaluation import own  # noqa: PLC0415 - keeps `--help` quick
    from digest.evaluation.contestants import OURS as CONFIGURED  # noqa: PLC0415 - the same

    use, challenger = app.settings.ranking.use, app.settings.experiments
    against = challenger.against
    rankers = {use: app.ranker_of(use, space=space)}
    if app.unloaded:  # it would be another ranker's numbers under this one's name
        raise ConfigError(app.unloaded, subject="ranking.embedder")
    if against in rankers:
        against = f"{against} with its own options"
    if against:
        rankers[against] = app.ranker_of(
            challenger.against,
            options=challenger.options,
            where="[experiments] against",
            space=space,
        )
    for name in names:
        if name != CONFIGURED:
            rankers[name] = own.simple(name) or _of_class(app, name, space)
    return rankers, against


def _of_class(app: App, name: str, space: Space | None) -> Ranker:
    if ":" not in name:
        raise InvalidInput(
            f"There is no ranker {name!r} to replay with: name a built-in one or module:Class."
        )
    return app.ranker_of(name, where="--ranker", space=space)


def _embedder(model: str) -> SentenceEmbedder:
    from digest.ranking.embedding import SentenceEmbedder  # noqa: PLC0415 - keeps `--help` quick

    return SentenceEmbedder(model)


def _records(
    dataset: Dataset, names: Sequence[str], out: Path | None, embedder: SentenceEmbedder | None
) -> list[Record]:
    """Run who takes part; whose rankings are written goes first, so that they are soon there."""
    from digest.evaluation import contestants, running  # noqa: PLC0415 - keeps `--help` quick

    finished = [each for each in dict.fromkeys(names) if each.endswith(running.FINISHED)]
    live = [each for each in names if each not in finished]
    makers = contestants.entered(live, embedder) if live or not names else {}

    def run(some: dict[str, Maker], **more: Keep) -> list[Record]:
        return running.run(dataset, some, progress=progress, embedder=embedder, **more)

    records: list[Record] = []
    if out is not None:
        name = _written(list(makers))
        first = {name: makers.pop(name)}
        with _rankings_file(out) as keep:
            records = run(first, keep=keep)
        click.echo(f"Wrote {len(dataset.tasks):,} rankings by {records[0].name} to {out}")
    if dataset.answered:
        records += run(makers)
        records += [running.finished(dataset, Path(each)) for each in finished]
    order = {name: at for at, name in enumerate(dict.fromkeys((*OURS, *names)))}
    return running.told_apart(sorted(records, key=lambda each: order.get(each.key, len(OURS))))


def _written(names: Sequence[str]) -> str:
    """Whose rankings `--out` means: the only ranker's, or ours, with the embedder if there is one."""
    if len(names) == 1:
        return names[0]
    ours = [each for each in OURS if each in names]
    if not ours:
        raise InvalidInput("--out needs one ranker: name one with --ranker.")
    return ours[0]


@contextmanager
def _rankings_file(path: Path) -> Iterator[Keep]:
    """Where rankings go, one JSON object a line; a file has its name once all are in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = path.suffix == ".gz"
    with (
        replacing(path) as part,
        gzip.open(part, "wt", 6) if packed else part.open("w", encoding="utf-8") as lines,
    ):

        def keep(task: Task, ranking: list[str]) -> None:
            lines.write(json.dumps({"task": task.id, "ranking": ranking}) + "\n")

        yield keep


def _show(
    dataset: Dataset, records: Sequence[Record], *, picture: Path | None, as_json: Path | None
) -> None:
    from digest.evaluation import picture as drawing  # noqa: PLC0415 - keeps `--help` quick
    from digest.evaluation import report, standings  # noqa: PLC0415 - the same

    found = standings.groups(dataset.tasks, records)
    click.echo(report.text(found, records))
    if picture:
        title = f"How well rankers find what people took: {dataset.folder.resolve().name}"
        _write(picture, drawing.svg(found, [each.name for each in records], title=title))
    if as_json:
        _write(as_json, json.dumps(report.plain(found, records), indent=1) + "\n")


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    click.echo(f"Wrote {path}")


COMMANDS = (evaluate,)
