"""A lesson from its file: Markdown with front matter, read strictly; docs/lessons.md describes the format."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import yaml
from markdown_it.token import Token
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gradviz.dashboard.lesson_markdown import html_of, inline_html, plain, tokens_of
from gradviz.dashboard.lesson_numbers import Condition, compared
from gradviz.dashboard.lesson_view import EPOCH_WORDS, StepView, field_named, literal, step_view
from gradviz.errors import UserError, as_line, shown
from gradviz.experiment.names import RunName

MOST_STEPS = 40
BLOCKS = ("view", "question", "shows")

_FRONT = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)


class Front(BaseModel):
    """What stands above the first step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=80, pattern=r"^[^\n]+$")
    summary: str = Field(min_length=1, max_length=200, pattern=r"^[^\n]+$")
    minutes: int = Field(ge=1, le=120)
    needs: list[RunName] = Field(default=[], max_length=16)


class Done(BaseModel):
    """What holds of the view once the reader has done what a step asks for."""

    model_config = ConfigDict(frozen=True)

    field: str
    operator: str
    value: Any
    is_word: bool = Field(default=False, description="whether `value` is a word for an epoch")


class Question(BaseModel):
    """Asks before the reveal: a choice, or something to do on the page; texts are HTML."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    ask: str | None = Field(default=None, min_length=1, max_length=400)
    choices: list[str] = Field(default=[], max_length=4)
    answer: int | None = Field(default=None, ge=1, le=4, description="number of the right choice, from 1")
    to_try: str | None = Field(default=None, alias="try", min_length=1, max_length=400)
    done: str | None = Field(default=None, max_length=100)

    @model_validator(mode="after")
    def _is_whole(self) -> "Question":
        if bool(self.ask) != bool(self.choices) or bool(self.ask) != bool(self.answer):
            raise ValueError("a question has `ask`, `choices` and `answer` together.")
        if bool(self.to_try) != bool(self.done):
            raise ValueError("`try` and `done` go together: what to do, and how it shows.")
        if not (self.ask or self.to_try):
            raise ValueError("a question needs `ask` with `choices` and `answer`, or `try` with `done`.")
        if self.ask and not 2 <= len(self.choices) <= 4:
            raise ValueError(f"`choices` must be 2 to 4, got {len(self.choices)}.")
        if self.answer and self.answer > len(self.choices):
            raise ValueError(f"`answer` is {self.answer}, but there are {len(self.choices)} choices, counted from 1.")
        return self


class Asked(BaseModel):
    """A question with its texts as HTML."""

    ask: str | None
    choices: list[str]
    answer: int | None
    to_try: str | None
    done: Done | None


class Step(BaseModel):
    """One step; `text`, `reveal` (what follows the question): HTML."""

    model_config = ConfigDict(frozen=True)

    title: str
    view: StepView
    text: str
    question: Asked | None
    reveal: str
    shows: list[Condition]


class Lesson(Front):
    """A whole lesson; `key` names it in the address."""

    key: str
    steps: list[Step]


class Broken(UserError):
    """Why a file is no lesson: `mistakes`, one line each, with the file's name."""

    def __init__(self, file: str, mistakes: Sequence[str]) -> None:
        self.mistakes = [as_line(f"{file}{',' if each.startswith('step ') else ':'} {each}") for each in mistakes]
        super().__init__(" ".join(self.mistakes))


def read_lesson(key: str, file: str, text: str) -> Lesson:
    """The lesson of a file's text; Broken names all its mistakes."""
    mistakes: list[str] = []
    found = _FRONT.match(text)
    if not found:
        raise Broken(file, ["it must begin with front matter between two lines of ---: title, summary, minutes."])
    front = None
    try:
        front = Front.model_validate(yaml_of(found[1]))
    except (UserError, ValidationError) as error:
        mistakes += [f"front matter: {each}" for each in complaints(error)]
    steps = []
    for number, (title, tokens) in enumerate(_sections(text[found.end() :], mistakes), start=1):
        step, wrong = _step(title, tokens)
        mistakes += [f"step {number} “{shown(title)}”: {each}" for each in wrong]
        steps.append(step)
    if not 1 <= len(steps) <= MOST_STEPS:
        mistakes.append(f"a lesson has 1 to {MOST_STEPS} steps, each under a heading `## Title`, got {len(steps)}.")
    if mistakes or front is None:
        raise Broken(file, mistakes)
    return Lesson(key=key, steps=steps, **front.model_dump())


def _sections(text: str, mistakes: list[str]) -> list[tuple[str, list[Token]]]:
    """Title and blocks of each step."""
    sections: list[tuple[str, list[Token]]] = []
    tokens = tokens_of(text)
    skip = 0
    for k, token in enumerate(tokens):
        if skip:
            skip -= 1
        elif token.type == "heading_open":
            title = plain(tokens[k + 1])
            if token.tag == "h2" and token.level == 0 and title:
                sections.append((title, []))
                skip = 2
            else:
                mistakes.append(f"the heading `{shown(title)}` is none of a step: write `## Title`.")
        elif sections:
            sections[-1][1].append(token)
        elif token.level == 0 and token.nesting >= 0:
            mistakes.append(
                f"line {(token.map or [0])[0] + 1} after the front matter stands before the first `## Title`."
            )
    return sections


def _step(title: str, tokens: list[Token]) -> tuple[Step, list[str]]:
    blocks: dict[str, str] = {}
    texts: tuple[list[Token], list[Token]] = ([], [])  # before and after the question
    mistakes: list[str] = []
    for token in tokens:
        kind = token.info.strip()
        if token.type != "fence" or kind not in BLOCKS:
            if token.type == "fence" and kind:
                mistakes.append(f"the block `{shown(kind)}` is unknown: there are {', '.join(BLOCKS)}.")
            texts["question" in blocks].append(token)
        elif kind in blocks:
            mistakes.append(f"it has two blocks `{kind}`: write one.")
        else:
            blocks[kind] = token.content
    view = StepView()
    if "view" in blocks:
        view, wrong = _tried(mistakes, "view", lambda: step_view(yaml_of(blocks["view"]))) or (view, [])
        mistakes += [f"view: {each}" for each in wrong]
    question = _tried(mistakes, "question", lambda: _asked(blocks["question"])) if "question" in blocks else None
    shows = list(_conditions(blocks.get("shows", ""), mistakes))
    text, reveal = (_tried(mistakes, "text", lambda part=part: html_of(part)) or "" for part in texts)
    if not (texts[0] or question):
        mistakes.append("it has no text.")
    if question and not texts[1]:
        mistakes.append("nothing follows its question: write the reveal below it.")
    return Step(title=title, view=view, text=text, question=question, reveal=reveal, shows=shows), mistakes


def _tried(mistakes: list[str], part: str, made: Any) -> Any:
    try:
        return made()
    except (UserError, ValidationError) as error:
        mistakes += [f"{part}: {each}" for each in complaints(error)]
        return None


def _asked(text: str) -> Asked:
    question = Question.model_validate(yaml_of(text))
    return Asked(
        ask=question.ask and inline_html(question.ask),
        choices=[inline_html(each) for each in question.choices],
        answer=question.answer,
        to_try=question.to_try and inline_html(question.to_try),
        done=_done(question.done) if question.done else None,
    )


def _done(line: str) -> Done:
    key, operator, value = compared(line)
    name = field_named(key)
    if operator not in ("=", "!="):
        raise UserError(f"`done` compares a field of the view by = or !=, got {operator}.")
    if name == "epoch" and value in EPOCH_WORDS:
        return Done(field=name, operator=operator, value=value, is_word=True)
    return Done(field=name, operator=operator, value=literal(name, value))


def _conditions(text: str, mistakes: list[str]) -> Iterator[Condition]:
    for line in filter(None, map(str.strip, text.splitlines())):
        condition = _tried(mistakes, "shows", lambda line=line: Condition.parse(line))
        if condition:
            yield condition


class _Strict(yaml.SafeLoader):
    """Refuses a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise UserError(f"`{shown(twice[0])}` is given twice.")
        return super().construct_mapping(node, deep)


def yaml_of(text: str) -> dict[str, Any]:
    """The mapping that a block of YAML says; UserError for anything else."""
    try:
        said = yaml.load(text, _Strict)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"it is not YAML{line}: {error.problem or error.context}.") from None
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"it is not YAML: {type(error).__name__}.") from None
    if not isinstance(said, dict) or not all(isinstance(key, str) for key in said):
        raise UserError("it must be lines of `key: value`.")
    return said


def complaints(error: UserError | ValidationError) -> list[str]:
    """What is wrong, a sentence each, with the value."""
    if isinstance(error, UserError):
        return [str(error)]
    sentences = []
    for each in error.errors(include_url=False, include_context=False):
        where = ".".join(map(str, each["loc"]))
        message = each["msg"].removeprefix("Value error, ")
        if message.endswith("."):
            sentences.append(message)
        elif each["type"] == "missing":
            sentences.append(f"`{where}` is missing.")
        elif each["type"] == "extra_forbidden":
            sentences.append(f"`{where}` is unknown.")
        else:
            sentences.append(f"`{where}`: {message}, got {shown(repr(each['input']))}.")
    return sentences
