"""The subcommands of `release-assistant eval`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.answer import Assistant

OpenAssistant = Callable[[], "Assistant"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command line of the eval suite; without a subcommand it runs the dev cases on the release."""
    add_run_arguments(parser)
    parser.set_defaults(act=run_cases)
    commands = parser.add_subparsers(dest="what", metavar="WHAT", parser_class=type(parser))

    run = commands.add_parser("run", help="answer the cases and print the figures by category (the default)")
    add_run_arguments(run)
    run.set_defaults(act=run_cases)

    score = commands.add_parser("score", help="print the figures of a run again, without asking")
    score.add_argument("run", type=Path, metavar="RUN")
    score.add_argument("--json", action="store_true", help="print every figure as JSON")
    score.set_defaults(act=score_run)

    compare = commands.add_parser("compare", help="list what got better and worse between two runs of the same cases")
    compare.add_argument("before", type=Path, metavar="A")
    compare.add_argument("after", type=Path, metavar="B")
    compare.set_defaults(act=compare_runs)

    gate = commands.add_parser("gate", help="exit with 1 where a run breaks a threshold of data/eval/gate.toml")
    gate.add_argument("run", type=Path, metavar="RUN")
    gate.add_argument("--gate", type=Path, metavar="FILE.toml")
    gate.add_argument("--table", default="release-dev", help="the table of thresholds in that file")
    gate.set_defaults(act=gate_run)

    report = commands.add_parser("report", help="write report.html and summary.md into a run's folder")
    report.add_argument("run", type=Path, metavar="RUN")
    report.set_defaults(act=report_run)

    squad = commands.add_parser("squad", help="score the reader on a file in SQuAD 2.0 JSON")
    squad.add_argument("file", type=Path, metavar="FILE.json")
    squad.add_argument("--json", action="store_true", help="print the figures as JSON")
    squad.add_argument("--article", action="store_true", help="read the whole article instead of the gold paragraph")
    squad.add_argument(
        "--half", choices=("first", "second"), help="only articles of odd (first) or even (second) number"
    )
    squad.add_argument("--tune", action="store_true", help="find the best threshold on these questions, and use it")
    squad.add_argument("--limit", type=int, metavar="N", help="only the first N questions")
    squad.set_defaults(act=score_squad)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cases", type=Path, nargs="+", metavar="FILE", help="case files; default: the bundled cases on the release"
    )
    parser.add_argument("--invented", action="store_true", help="the bundled cases on invented releases instead")
    parser.add_argument("--split", choices=("train", "dev", "test"), default="dev")
    parser.add_argument("--category", help="only this category")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N cases")
    parser.add_argument(
        "--run", dest="folder", type=Path, metavar="FOLDER", help="keep the run there; a run begun there goes on"
    )
    parser.add_argument("--failures", action="store_true", help="print each case that is not right")


def run(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    """Run the subcommand; `open_assistant` is called where it needs one."""
    return int(args.act(args, open_assistant))


def run_cases(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    """Ask the cases and print the figures."""
    from assistant.errors import CaseError
    from data import resource
    from eval.cases import load_cases
    from eval.metrics import summary, table
    from eval.run import run as run_all

    paths = args.cases or [resource(f"eval/{'invented' if args.invented else 'release'}-{args.split}.jsonl")]
    engine = open_assistant()
    texts = {name: d.text for name, d in engine.retriever.corpus().documents.items()}
    cases = [c for c in load_cases(paths, texts) if c.split == args.split and args.category in (None, c.category)][
        : args.limit
    ]
    if not cases:
        raise CaseError(f"no case of split {args.split} and category {args.category or 'any'}: name others")
    with _folder(args.folder) as folder:
        results = run_all(cases, engine, folder, _progress)
        if args.folder:
            from eval.report import write_report

            page, _ = write_report(folder, results, texts)
            print(f"report: {page}", file=sys.stderr)
    if args.failures:
        for r in results:
            if r.judgement.outcome != "right":
                said = r.answer["answer"].split("\n")[0]
                asked = " // ".join((*r.case.history, r.case.question))
                print(
                    f"{r.judgement.outcome:9} {r.case.id}: {asked}\n          {r.judgement.reason}; expected {r.case.answers[:1] or r.case.answerable}; got {said!r} ({r.answer['confidence']})"
                )
    print(table(summary(results)))
    return 0


@contextlib.contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    import tempfile

    if given is not None:
        yield given
    else:
        with tempfile.TemporaryDirectory() as scratch:
            yield Path(scratch)


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} cases", end="\n" if done == total else "", file=sys.stderr)


def score_run(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    from eval.metrics import summary, table
    from eval.run import load_run

    figures = summary(load_run(args.run))
    print(json.dumps(figures) if args.json else table(figures))
    return 0


def compare_runs(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    from eval.compare import compare, told
    from eval.run import load_run

    print(told(compare(load_run(args.before), load_run(args.after))))
    return 0


def gate_run(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    from data import resource
    from eval.gate import breaches
    from eval.metrics import summary
    from eval.run import load_run

    found = breaches(summary(load_run(args.run)), args.gate or resource("eval/gate.toml"), args.table)
    for line in found:
        print(line)
    print("the gate is closed" if found else "the gate is open")
    return 1 if found else 0


def report_run(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    from eval.report import write_report
    from eval.run import load_run

    texts = {name: d.text for name, d in open_assistant().retriever.corpus().documents.items()}
    for path in write_report(args.run, load_run(args.run), texts):
        print(path)
    return 0


def score_squad(args: argparse.Namespace, open_assistant: OpenAssistant) -> int:
    from eval.squad import evaluate_file

    figures = evaluate_file(
        args.file, article=args.article, half=args.half, tune=args.tune, limit=args.limit, progress=_progress
    )
    print(json.dumps(figures) if args.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))
    return 0
