"""Write docs/commands.md from the command line's own help; a test checks that it is current."""

from __future__ import annotations

from pathlib import Path

import click

from digest.cli import cli

TARGET = Path(__file__).with_name("commands.md")
HEAD = """# Commands

Every command has `--help`. `--config FILE`, `--db FILE` and `--debug` come before the command:
`digest --db lab.db status`. Exit codes: 0 fine, 1 the work failed, 2 something must be put right
first (the request, a setting, the database or its disk); what went wrong is one sentence on stderr.

This page is written by `python docs/make_commands.py`.
"""


def page() -> str:
    """The whole page."""
    root = click.Context(cli, info_name="digest")
    return "\n".join([HEAD, *_sections(root, cli)])


def _sections(parent: click.Context, group: click.Group) -> list[str]:
    sections: list[str] = []
    for name, command in sorted(group.commands.items()):
        context = click.Context(command, info_name=name, parent=parent)
        if isinstance(command, click.Group):
            sections.extend(_sections(context, command))
            continue
        usage = command.get_usage(context).removeprefix("Usage: ")
        lines = [f"## {context.command_path}", "", f"`{' '.join(usage.split())}`", ""]
        lines += [" ".join(each.split()) + "\n" for each in (command.help or "").split("\n\n")]
        records = [
            each.get_help_record(context)
            for each in command.params
            if isinstance(each, click.Option)
        ]
        options = [f"- `{left}`: {right}" for left, right in filter(None, records)]
        sections.append("\n".join([*lines, *options, ""] if options else lines))
    return sections


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
    print(f"Wrote {TARGET}")
