"""From a move to what is said: the parts of the reply, with what the tools found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.dialogue.hearing import after_skill, hear, listen, reflection
from agents.dialogue.ledger import Ledger
from agents.dialogue.moves import Move, Plan
from agents.dialogue.phrases import Phrasebook, normal, sentences_of
from agents.dialogue.situation import DueWork, OpenTask, Result, Situation
from agents.dialogue.speech import day_name, due_words, listed, prose_of, steps_of, task_line
from agents.dialogue.talk import talk
from agents.dialogue.wording import Act, Block, Part, Pool

STEPS_AT_ONCE = 3
Data = Mapping[str, Any]


def compose(
    plan: Plan, situation: Situation, ledger: Ledger, results: tuple[Result, ...], book: Phrasebook
) -> list[Part]:
    """Return what to say, in order. A tool that failed is said plainly."""
    parts = [reflection(situation, ledger, book.acts)] if plan.hear_first else []
    if plan.calls:
        if any(result.data is None for result in results):
            return [*parts, *_failed(plan, book)]
        return [*parts, *_with_data(plan, situation, ledger, results, book)]
    return [*parts, *_without_data(plan, situation, ledger, book)]


def _without_data(plan: Plan, situation: Situation, ledger: Ledger, book: Phrasebook) -> list[Part]:
    acts = book.acts
    match plan.move:
        case Move.HEAR | Move.OFFER:
            return hear(plan, situation, ledger, book)
        case Move.LISTEN:
            return listen(ledger, book)
        case Move.DECLINED:
            return [Act((acts["offer_declined"],)), Act((acts["what_then"],))]
        case Move.AFTER_SKILL:
            return after_skill(plan.detail, situation, book)
        case Move.ASK_NUMBER:
            return [Act((acts["mood_ask_number"],), must_ask=True)]
        case Move.ASK_TITLE:
            return [Act((acts["task_title_ask"],), must_ask=True)]
        case Move.WHICH_TASK:
            tasks = plan.tasks or situation.tasks
            names = {"tasks": listed([f"“{task.title}”" for task in tasks[:4]])} if tasks else {}
            pools = (acts["task_which"],) if plan.tasks else (acts["task_unknown"],)
            return [Act(pools, names, must_ask=True)]
        case Move.PLAN_WORK:
            return _plan_work(situation, book)
        case Move.WORK_OR_FEELING:
            return [reflection(situation, ledger, acts), Act((acts["work_or_feeling"],), must_ask=True)]
        case Move.NOT_LISTED:
            return [Act((acts["task_offer_no"],)), Act((acts["start_ask"],))]
        case Move.SKILL_GO:
            return [Act((acts["skill_go"],))]
        case _:
            return _ask_to_list(plan, book) or talk(plan, situation, ledger, book)


def _with_data(
    plan: Plan, situation: Situation, ledger: Ledger, results: tuple[Result, ...], book: Phrasebook
) -> list[Part]:
    data = results[-1].data or {}
    match plan.move:
        case Move.PANIC:
            return _panic(ledger, data, book)
        case Move.SKILL | Move.START_WORK | Move.NEXT_STEPS:
            return _skill(plan, ledger, data, book)
        case Move.READ:
            return _read(data, book)
        case Move.LOG_MOOD:
            return _logged(situation, data, book)
        case Move.MOOD_HISTORY:
            return _history(situation, data, book)
        case Move.GRADES:
            return _grades(data, book)
        case Move.LIST | Move.DUE:
            return _tasks(plan, situation, data, book)
        case Move.CREATE:
            return _created(situation, results, book)
        case Move.COMPLETE:
            return _completed(data, book)
        case Move.LINES:
            return _lines(data, book)
        case _:
            return _safety_plan(data, book)


def _ask_to_list(plan: Plan, book: Phrasebook) -> list[Part]:
    """Nothing goes on the list or off it before the student says so."""
    if plan.move is Move.OFFER_DONE:
        task = {"task": f"“{plan.tasks[0].title}”"}
        return [Act((book.acts["good_news"],)), Act((book.acts["done_offer"],), task, must_ask=True)]
    if plan.move is Move.OFFER_TASK:
        return [Act((book.acts["task_offer"],), {"task": plan.detail}, must_ask=True)]
    if plan.move is Move.CAPTURE:
        first = {"first": plan.detail}
        return [Act((book.acts["plan_reflect"],)), Act((book.acts["plan_capture"],), first, must_ask=True)]
    return []


def _failed(plan: Plan, book: Phrasebook) -> list[Part]:
    if plan.calls[0].tool == "find_content":
        return [Act((book.acts["library_down"],)), Act((book.acts["ask_coping"],))]
    return [Act((book.acts["tools_down"],), must_ask=True)]


def _skill(plan: Plan, ledger: Ledger, data: Data, book: Phrasebook) -> list[Part]:
    """One skill with its citation: the first steps, and the others when asked for."""
    acts = book.acts
    if not data["passages"]:
        return [Act((acts["nothing_for_pain" if ledger.hurting else "nothing_found"],), must_ask=True)]
    best = data["passages"][0]
    steps = _new_steps(best, ledger)
    parts: list[Part] = []
    if plan.move is Move.START_WORK and not ledger.last_skill:
        parts.append(Act((acts["start_reflect"],)))
    if not steps:
        words = prose_of(best["text"], 2)
        return [*parts, _lead(best, acts), Block((words,)), Act((acts["read_after"], acts["skill_close"]))]
    after = (acts["skill_rest"],) if len(steps) > STEPS_AT_ONCE else (acts["skill_after"], acts["skill_close"])
    return [*parts, *_steps(best, ledger, acts), Act(after)]


def _lead(passage: Data, acts: Mapping[str, Pool]) -> Act:
    return Act((acts["skill_lead"],), {"title": passage["title"]}, suffix=f" {passage['marker']}")


def _steps(passage: Data, ledger: Ledger, acts: Mapping[str, Pool]) -> list[Part]:
    """The next few steps of a passage that were not shown yet, under their number there."""
    return [_lead(passage, acts), Block(tuple(_new_steps(passage, ledger)[:STEPS_AT_ONCE]))]


def _panic(ledger: Ledger, data: Data, book: Phrasebook) -> list[Part]:
    """First what must not be missed, then that it passes, then the counted breath with its source."""
    acts = book.acts
    parts: list[Part] = [Act((acts["panic_check"],), must_ask=True), Act((acts["panic_passes"],))]
    steps = [part for passage in data["passages"][:1] for part in _steps(passage, ledger, acts)]
    return [*parts, *steps, Act((acts["panic_more"], acts["stay"]))]


def _new_steps(passage: Data, ledger: Ledger) -> list[str]:
    steps = [f"{number}. {step}" for number, step in enumerate(steps_of(passage["text"]), start=1)]
    return [step for step in steps if not all(ledger.said.holds(normal(line)) for line in sentences_of(step))]


def _read(data: Data, book: Phrasebook) -> list[Part]:
    passages = data["passages"]
    if not passages:
        return [Act((book.acts["nothing_found"],), must_ask=True)]
    best = passages[0]
    slots = {"title": best["title"], "section": best["section"]}
    words = prose_of(best["text"], 3)
    steps = steps_of(best["text"])[:STEPS_AT_ONCE]
    lines = (words, *(f"{n}. {step}" for n, step in enumerate(steps, start=1))) if words else tuple(steps)
    lead = Act((book.acts["read_lead"],), slots, suffix=f" {best['marker']}")
    return [lead, Block(lines), Act((book.acts["read_after"],))]


def _logged(situation: Situation, data: Data, book: Phrasebook) -> list[Part]:
    acts, score = book.acts, int(data["logged"]["score"])
    parts: list[Part] = [Act((acts["mood_logged"],), {"score": str(score)})]
    earlier = data.get("earlier")
    if earlier:
        when = day_name(datetime.fromisoformat(earlier["at"]), situation.now, situation.zone)
        parts.append(Act((acts["mood_from"],), {"when": when, "earlier": str(earlier["score"])}))
    band = "low" if score <= 4 else "mid" if score <= 6 else "high"
    return [*parts, Act((acts[f"mood_{band}_ask"], acts["check_in"]))]


def _history(situation: Situation, data: Data, book: Phrasebook) -> list[Part]:
    acts, entries, trend = book.acts, data["entries"], data["trend"]
    if not entries:
        return [Act((acts["mood_none"],), {"days": str(data["days"])}, must_ask=True)]
    latest = entries[0]
    slots = {
        "n": str(trend["n"]),
        "days": str(data["days"]),
        "score": str(latest["score"]),
        "when": day_name(datetime.fromisoformat(latest["at"]), situation.now, situation.zone),
        "mean": f"{trend['mean']:.1f}",
    }
    if trend["direction"] == "not_enough":
        return [Act((acts["mood_few"],), slots)]
    direction = trend["direction"]
    return [Act((acts[f"mood_trend_{direction}"],), slots), Act((acts[f"mood_{direction}_ask"],))]


def _tasks(plan: Plan, situation: Situation, data: Data, book: Phrasebook) -> list[Part]:
    acts = book.acts
    kind = "due" if plan.move is Move.DUE else "list"
    slots = {"days": str(data.get("days", ""))}
    if not data["tasks"]:
        return [Act((acts[f"{kind}_empty"],), slots, must_ask=True)]
    lines = tuple(task_line(task, situation.now, situation.zone) for task in data["tasks"])
    age = [Block((data["canvas"],))] if any(task.get("from") == "Canvas" for task in data["tasks"]) else []
    return [Act((acts[f"{kind}_lead"],), slots), Block(lines), *age, Act((acts["due_ask"],))]


def _grades(data: Data, book: Phrasebook) -> list[Part]:
    """Courses with their totals, or what is missing, and how old that is. What is not released is named without a number."""
    acts, age = book.acts, Block((data["canvas"],))
    if data.get("missing"):
        lines = tuple(f"- {work['title']} ({work['course']}): {work['said']}" for work in data["missing"])
        return [Act((acts["missing_lead"],)), Block(lines), age, Act((acts["missing_ask"],))]
    if data.get("courses"):
        lines = tuple(_course_line(course) for course in data["courses"] if course["course"])
        return [Act((acts["grades_lead"],)), Block(lines), age, Act((acts["grades_ask"],))]
    if "missing" in data:
        return [Act((acts["missing_none"],)), age, Act((acts["due_ask"],))]
    return [Act((acts["grades_none"],)), age, Act((acts["grades_ask"],))]


def _course_line(course: Data) -> str:
    hidden = f" Not released yet: {listed(course['not_released'])}." if course["not_released"] else ""
    return f"- {course['course']}: {course['said']}{hidden}"


def _created(situation: Situation, results: tuple[Result, ...], book: Phrasebook) -> list[Part]:
    tasks = [result.data["task"] for result in results if result.data]
    if len(tasks) > 1:
        lines = tuple(task_line(task, situation.now, situation.zone) for task in tasks)
        return [Act((book.acts["task_many"],)), Block(lines), Act((book.acts["due_ask"],))]
    task = tasks[0]
    slots = {"task": f"“{task['title']}”"}
    if task["due"]:
        slots["due"] = due_words(datetime.fromisoformat(task["due"]), situation.now, situation.zone)
    act = "task_added_due" if task["due"] else "task_added"
    return [Act((book.acts[act],), slots), Act((book.acts["task_start_ask"],))]


def _completed(data: Data, book: Phrasebook) -> list[Part]:
    left = (
        Act((book.acts["task_left"],), {"left": str(data["left"])})
        if data["left"]
        else Act((book.acts["task_left_none"],))
    )
    done = Act((book.acts["task_done"],), {"task": f"“{data['task']['title']}”"})
    return [done, left, Act((book.acts["task_done_ask"],))]


def _lines(data: Data, book: Phrasebook) -> list[Part]:
    shown = [line for line in data["lines"] if line["kind"] in ("crisis_line", "emergency", "finder")][:5]
    block = Block(tuple(_line(line) for line in shown))
    return [Act((book.acts["lines_lead"],)), block, Act((book.acts["lines_after"],)), Act((book.acts["lines_ask"],))]


def _line(line: Data) -> str:
    ways = []
    if line["call"]:
        ways.append(f"call {line['call']}")
    if line["text"]:
        ways.append(f"text {line['text_body']} to {line['text']}" if line["text_body"] else f"text {line['text']}")
    if line["chat"]:
        ways.append(line["chat"])
    hours = f" ({line['hours']})" if line["hours"] else ""
    return f"- {line['name']}: {', '.join(ways)}{hours}"


def _safety_plan(data: Data, book: Phrasebook) -> list[Part]:
    plan = data["plan"]
    if not plan:
        return [Act((book.acts["plan_none"],))]
    lines = tuple(f"- {line}" for step in plan.values() for line in step)
    return [
        Act((book.acts["plan_lead"],)),
        Block(lines),
        Act((book.acts["plan_after"],)),
        Act((book.acts["plan_question"],)),
    ]


def _plan_work(situation: Situation, book: Phrasebook) -> list[Part]:
    acts = book.acts
    parts: list[Part] = [Act((acts["plan_reflect"],))]
    known: list[OpenTask | DueWork] = [*situation.tasks, *situation.work]
    dated = sorted((work for work in known if work.due_at), key=lambda work: work.due_at or situation.now)
    if not dated:
        return [*parts, Act((acts["plan_ask_list"],), must_ask=True)]
    lines = tuple(
        f"- {task.title}, {due_words(task.due_at, situation.now, situation.zone)}" for task in dated[:5] if task.due_at
    )
    first = dated[0]
    due = due_words(first.due_at, situation.now, situation.zone) if first.due_at else ""
    return [
        *parts,
        Block(lines),
        Act((acts["plan_first"],), {"task": f"“{first.title}”", "due": due}),
        Act((acts["plan_ask"], acts["plan_split"])),
    ]
