"""The subcommands of `release-assistant eval`.  Knows arguments and prints; the work is done by the modules it calls."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.answer import Assistant
    from assistant.settings import Settings
    from eval.cases import Case

# Takes the engine ("extractive", a model, or None for the settings' own) and, if need be, the documents that the store must
# hold; picklable, since worker processes call it too.
OpenAssistant = Callable[..., "Assistant"]


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

    review = commands.add_parser(
        "review", help="what people said of answers in the chat: list it, accept it as a case, reject it"
    )
    review.add_argument("--accept", metavar="ID", help="write it into the case file")
    review.add_argument("--reject", metavar="ID", help="take it from the queue")
    review.add_argument("--answer", metavar="TEXT", help="the right answer, in place of the one that was given")
    review.add_argument("--passage", metavar="START:END", help="the characters of the document that say so")
    review.add_argument("--category", help="the case's category, in place of the one guessed from the question")
    review.add_argument("--to", type=Path, metavar="FILE.jsonl", help="the case file; default: cases.jsonl in the home")
    review.set_defaults(act=review_queue)

    table = commands.add_parser("csv", help="write a run as CSV, one row a case")
    table.add_argument("run", type=Path, metavar="RUN")
    table.add_argument("--to", type=Path, metavar="FILE.csv", help="default: results.csv in the run's folder")
    table.set_defaults(act=export_csv)

    squad_in = commands.add_parser("import", help="make documents and cases of a file in SQuAD JSON")
    squad_in.add_argument("file", type=Path, metavar="FILE.json")
    squad_in.add_argument("--to", type=Path, metavar="FOLDER", required=True)
    squad_in.set_defaults(act=import_cases)

    retriever = commands.add_parser("retriever", help="LlamaIndex's RetrieverEvaluator on our retriever and cases")
    add_case_arguments(retriever)
    retriever.set_defaults(act=score_retriever)

    judge = commands.add_parser(
        "judge", help="let a language model judge a run, after measuring that judge on known answers"
    )
    judge.add_argument("run", type=Path, metavar="RUN")
    judge.add_argument("--model", required=True, metavar="MODEL", help="openai-like:MODEL@URL or ollama:MODEL@URL")
    judge.add_argument(
        "--known", type=positive, default=60, metavar="N", help="how many known answers it is measured on"
    )
    judge.set_defaults(act=judge_run)

    bench = commands.add_parser("bench", help="time warm answers on the store, and say how much each stage takes")
    bench.add_argument(
        "--squad", type=Path, metavar="FILE.json", help="ask this file's questions, not the release's cases"
    )
    bench.add_argument("--limit", type=positive, default=200, metavar="N", help="how many questions")
    bench.add_argument("--url", metavar="URL", help="ask a running server instead, as many people at once")
    bench.add_argument("--people", type=positive, default=50, metavar="N", help="how many people, with --url")
    bench.add_argument("--json", action="store_true")
    bench.set_defaults(act=run_bench)

    squad = commands.add_parser("squad", help="score the reader on a file in SQuAD 2.0 JSON")
    squad.add_argument("file", type=Path, metavar="FILE.json")
    squad.add_argument("--json", action="store_true", help="print the figures as JSON")
    squad.add_argument("--article", action="store_true", help="read the whole article instead of the gold paragraph")
    squad.add_argument(
        "--half", choices=("first", "second"), help="only articles of odd (first) or even (second) number"
    )
    squad.add_argument("--tune", action="store_true", help="find the best threshold on these questions, and use it")
    squad.add_argument("--limit", type=positive, metavar="N", help="only the first N questions")
    squad.set_defaults(act=score_squad)


def add_case_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cases", type=Path, nargs="+", metavar="FILE", help="case files; default: the bundled cases on the release"
    )
    parser.add_argument("--invented", action="store_true", help="the bundled cases on invented releases instead")
    parser.add_argument("--split", choices=("train", "dev", "test"), default="dev")
    parser.add_argument("--all", action="store_true", help="every bundled case that nothing was trained on")
    parser.add_argument("--category", help="only this category")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N cases")


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    add_case_arguments(parser)
    parser.add_argument("--engine", metavar="ENGINE", help="extractive, or a model; default: what the settings name")
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes that answer cases at a time")
    parser.add_argument(
        "--run", dest="folder", type=Path, metavar="FOLDER", help="keep the run there; a run begun there goes on"
    )
    parser.add_argument("--failures", action="store_true", help="print each case that is not right")


def run(
    args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant, stored: Callable[[Path], str]
) -> int:
    """Run the subcommand; `open_assistant` is called where it needs one, `stored` gives a file's text as ingest keeps it.

    Raises CaseError where a file cannot be read or written.
    """
    from assistant.errors import CaseError

    args.stored = stored
    try:
        return int(args.act(args, settings, open_assistant))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CaseError(f"{where}{error.strerror or error}; name another place") from None


def positive(text: str) -> int:
    """A whole number above 0, for the command line."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


positive.__name__ = "whole number above 0"  # what argparse calls it


def bundled(cases: Sequence[Case]) -> list[Path]:
    """The invented releases that come with the eval suite, those that these cases are about."""
    from data import resource

    documents = {p.name: p for p in resource("eval/documents").iterdir()}
    return [documents[name] for name in dict.fromkeys(c.document for c in cases) if name in documents]


def chosen(args: argparse.Namespace, texts: Mapping[str, str] | None) -> list[Case]:
    """The cases that the arguments name, checked against `texts` where they are given.  Raises CaseError where there is none."""
    from assistant.errors import CaseError
    from data import resource
    from eval.cases import load_cases

    sets = [f"{kind}-{split}" for kind in ("release", "invented") for split in ("dev", "test")]
    if not args.all:
        sets = [f"{'invented' if args.invented else 'release'}-{args.split}"]
    paths = args.cases or [resource(f"eval/{name}.jsonl") for name in sets]
    splits = ("dev", "test") if args.all else (args.split,)
    cases = [c for c in load_cases(paths, texts) if c.split in splits and args.category in (None, c.category)]
    if not cases:
        raise CaseError(f"no case of split {' or '.join(splits)} and category {args.category or 'any'}: name others")
    return cases[: args.limit]


def run_cases(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    """Ask the cases, keep the run, print the figures."""
    from assistant.words import one_line
    from eval.metrics import summary, table
    from eval.report import write_report
    from eval.run import run as run_all
    from eval.run import texts_and_sentences
    from eval.workers import Workers

    engine = open_assistant(args.engine, bundled(chosen(args, None)))
    workers = Workers(partial(open_assistant, args.engine), args.jobs) if args.jobs > 1 else None
    texts, sentences = texts_and_sentences(engine)
    cases = chosen(args, texts)
    folder = args.folder or settings.home / "runs" / time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    results = run_all(cases, engine, folder, progress_bar("cases"), workers)
    page, _ = write_report(folder, results, texts, sentences)
    if args.failures:
        for r in results:
            if r.judgement.outcome != "right":
                said = one_line(r.answer["answer"].split("\n")[0])
                asked = one_line(" // ".join((*r.case.history, r.case.question)))
                print(
                    f"{r.judgement.outcome:9} {r.case.id}: {asked}\n          {r.judgement.reason}; expected {r.case.answers[:1] or r.case.answerable}; got {said!r} ({r.answer['confidence']})"
                )
    print(table(summary(results)))
    print(f"report: {page}", file=sys.stderr)
    return 0


def progress_bar(unit: str) -> Callable[[int, int], None]:
    """A bar on standard error, where that is a terminal."""
    from tqdm import tqdm

    bar = tqdm(unit=f" {unit}", file=sys.stderr, disable=None, leave=False)

    def told(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return told


def score_run(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from eval.metrics import summary, table
    from eval.run import load_run

    figures = summary(load_run(args.run))
    print(json.dumps(figures) if args.json else table(figures))
    return 0


def compare_runs(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from assistant.words import printable
    from eval.compare import compare, told
    from eval.run import load_run

    print(printable(told(compare(load_run(args.before), load_run(args.after)))))
    return 0


def gate_run(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from data import resource
    from eval.gate import breaches
    from eval.metrics import summary
    from eval.run import load_run

    found = breaches(summary(load_run(args.run)), args.gate or resource("eval/gate.toml"), args.table)
    for line in found:
        print(line)
    print("the gate is closed" if found else "the gate is open")
    return 1 if found else 0


def report_run(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from eval.report import write_report
    from eval.run import load_run, texts_and_sentences

    for path in write_report(args.run, load_run(args.run), *texts_and_sentences(open_assistant(None))):
        print(path)
    return 0


def review_queue(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    """List the queue, or decide on one piece of feedback."""
    from assistant.words import one_line
    from eval.review import ReviewQueue, propose

    queue = ReviewQueue(settings.feedback_path)
    if args.reject:
        queue.reject(args.reject)
        print(f"{args.reject} is rejected")
    elif args.accept:
        feedback = queue.get(args.accept)
        corpus = open_assistant("extractive").retriever.corpus()
        case = propose(feedback, corpus, args.answer or "", args.passage or "", args.category or "")
        to = args.to or settings.home / "cases.jsonl"
        new = queue.accept(feedback.id, case, to)
        became = f"case {case.id} of" if new else "known already in"
        print(f"{feedback.id} is {became} {to}; run it: release-assistant eval run --cases {to}")
    else:
        waiting = queue.waiting()
        for f in waiting:
            said = one_line(f.answer.answer.split("\n")[0])
            wanted = f"; expected: {one_line(f.expected)}" if f.expected else ""
            marked = f"; marked: {f.start}:{f.end}" if f.start is not None else ""
            print(f"{f.id}  {f.verdict:14} {one_line(' // '.join((*f.history, f.question)))}")
            print(f"    of {one_line(f.document)}; answered: {said}{wanted}{marked}")
        print(f"{len(waiting)} wait; decide with --accept ID or --reject ID" if waiting else "nothing waits for review")
    return 0


def export_csv(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from eval.interchange import to_csv
    from eval.run import load_run

    to = args.to or args.run / "results.csv"
    to_csv(load_run(args.run), to)
    print(to)
    return 0


def import_cases(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from eval.interchange import import_squad

    path, count, left = import_squad(args.file, args.to, args.stored)
    print(
        f"{count} cases in {path} ({left} questions left out); next: release-assistant ingest {args.to}/*.txt; release-assistant eval run --cases {path}"
    )
    return 0


def score_retriever(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from eval.retriever import llama_figures
    from eval.run import texts_and_sentences

    assistant = open_assistant("extractive")
    figures = llama_figures(chosen(args, texts_and_sentences(assistant)[0]), assistant.retriever)
    print("\n".join(f"{name}: {value:.4g}" for name, value in figures.items()))
    return 0


def judge_run(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    """Measure the judge, then let it judge; both are written to ``judge.json`` in the run's folder."""
    from assistant.generate import connect
    from eval.llm_judge import LlmJudge, agreement, judged, known
    from eval.metrics import percent
    from eval.run import load_run

    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key is not None else None
    judge = LlmJudge(*connect(args.model, key, settings.llm_timeout))
    results = load_run(args.run)
    trust = agreement(judge, known([r.case for r in results], args.known))
    figures = judged(judge, results)
    (args.run / "judge.json").write_text(
        json.dumps({"trust": trust, "run": figures}, indent=2) + "\n", encoding="utf-8"
    )
    print(
        f"{judge.name} agrees with {trust['agreement']['n']} known answers in {percent(trust['agreement'])}, kappa {trust['kappa']:.2f}"
    )
    print(
        f"it holds right {percent(figures['right'])} of what was answered, and differs from our judgement in {len(figures['differs'])} cases:"
    )
    for name in figures["differs"]:
        print(f"  {name}")
    return 0


def run_bench(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from data import resource
    from eval.bench import bench, told
    from eval.cases import load_cases
    from eval.load import crowd
    from eval.squad import read_squad

    if args.squad:
        questions = [str(qa["question"]) for a in read_squad(args.squad) for p in a["paragraphs"] for qa in p["qas"]]
    else:
        questions = [c.question for c in load_cases([resource("eval/release-dev.jsonl")]) if c.language == "en"]
    if args.url:
        crowded = crowd(args.url, questions, args.people)
        print(json.dumps(crowded, indent=None if args.json else 2))
        return 1 if crowded["failed"] else 0
    figures = bench(open_assistant("extractive"), questions, args.limit)
    print(json.dumps(figures) if args.json else told(figures))
    return 0


def score_squad(args: argparse.Namespace, settings: Settings, open_assistant: OpenAssistant) -> int:
    from eval.squad import evaluate_file

    figures = evaluate_file(
        args.file,
        article=args.article,
        half=args.half,
        tune=args.tune,
        limit=args.limit,
        progress=progress_bar("questions"),
    )
    print(json.dumps(figures) if args.json else "\n".join(f"{k}: {v}" for k, v in figures.items()))
    return 0
