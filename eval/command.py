"""The subcommands of `release-assistant eval`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.answer import Assistant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of the eval suite; without a subcommand it runs the dev cases on the release."""
    commands = parser.add_subparsers(dest="what", metavar="WHAT", parser_class=type(parser))
    for name, note in (("run", "answer the cases and print the figures by category (the default)"),):
        run = commands.add_parser(name, help=note)
        add_run_arguments(run)
    squad = commands.add_parser("squad", help="score the reader on a file in SQuAD 2.0 JSON")
    squad.add_argument("file", type=Path, metavar="FILE.json")
    squad.add_argument("--json", action="store_true", help="print the figures as JSON")
    squad.add_argument("--article", action="store_true", help="read the whole article instead of the gold paragraph")
    squad.add_argument(
        "--half", choices=("first", "second"), help="only articles of odd (first) or even (second) number"
    )
    squad.add_argument("--tune", action="store_true", help="find the best threshold on these questions, and use it")
    squad.add_argument("--limit", type=int, metavar="N", help="only the first N questions")
    add_run_arguments(parser)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cases", type=Path, nargs="+", metavar="FILE", help="case files; default: the bundled cases on the release"
    )
    parser.add_argument("--invented", action="store_true", help="the bundled cases on invented releases instead")
    parser.add_argument("--split", choices=("train", "dev", "test"), default="dev")
    parser.add_argument("--category", help="only this category")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N cases")
    parser.add_argument("--run", type=Path, metavar="FOLDER", help="keep the run there; a run begun there goes on")
    parser.add_argument("--failures", action="store_true", help="print each case that is not right")


def run(args: argparse.Namespace, assistant: Callable[[], Assistant]) -> int:
    """Run the subcommand; `assistant` opens one when it is needed."""
    if args.what == "squad":
        from eval.squad import evaluate_file

        figures = evaluate_file(args.file, article=args.article, half=args.half, tune=args.tune, limit=args.limit)
        print(json.dumps(figures) if args.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))
        return 0
    return run_cases(args, assistant)


def run_cases(args: argparse.Namespace, open_assistant: Callable[[], Assistant]) -> int:
    """Ask the cases and print the figures."""
    import tempfile

    from assistant.errors import CaseError
    from data import resource
    from eval.cases import load_cases
    from eval.metrics import table
    from eval.run import run as run_all

    set_name = "invented" if args.invented else "release"
    paths = args.cases or [resource(f"eval/{set_name}-{args.split}.jsonl")]
    engine = open_assistant()
    texts = {name: d.text for name, d in engine.retriever.corpus().documents.items()}
    cases = [c for c in load_cases(paths, texts) if c.split == args.split and args.category in (None, c.category)][
        : args.limit
    ]
    if not cases:
        raise CaseError(f"no case of split {args.split} and category {args.category or 'any'}: name others")

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{done} of {total} cases", end="\n" if done == total else "", file=sys.stderr)

    with tempfile.TemporaryDirectory() as scratch:
        results = run_all(cases, engine, args.run or Path(scratch), progress)
    if args.failures:
        for r in results:
            if r.judgement.outcome != "right":
                said = r.answer["answer"].split("\n")[0]
                print(f"{r.judgement.outcome:9} {r.case.id}: {' // '.join((*r.case.history, r.case.question))}\n"
                      f"          {r.judgement.reason}; expected {r.case.answers[:1] or r.case.answerable}; got {said!r} ({r.answer['confidence']})")  # fmt: skip
    print(table(results))
    return 0
