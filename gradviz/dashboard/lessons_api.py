"""HTTP API of the lessons: which there are, and one with all its steps."""

from flask import Response
from pydantic import BaseModel, Field

from gradviz.dashboard.lesson_file import Front, Lesson
from gradviz.dashboard.lessons import lesson_of, lessons_at_hand
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import sent_json


class LessonKey(BaseModel):
    """A lesson, by its name in the address."""

    lesson: str = Field(pattern=r"^[a-z0-9-]{1,40}$")


class LessonListed(Front):
    """One lesson of the list."""

    key: str
    num_steps: int = Field(ge=1)


class LessonsAnswer(BaseModel):
    """The lessons in order, and a line for each mistake of a file that is left out."""

    lessons: list[LessonListed]
    broken: list[str]


def lessons(served: Served) -> Response:
    at_hand = lessons_at_hand(served.settings.lessons)
    told = [each.model_dump(exclude={"steps"}) | {"num_steps": len(each.steps)} for each in at_hand.lessons.values()]
    return sent_json({"lessons": told, "broken": [served.told(line) for line in at_hand.broken]})


def lesson(served: Served, asked: LessonKey) -> Response:
    return sent_json(lesson_of(served.settings.lessons, asked.lesson).model_dump(mode="json"))


OPERATIONS = (
    Operation("get", "/lessons", lessons, "The lessons, and what is wrong in files that are none", (), LessonsAnswer),
    Operation(
        "get",
        "/lessons/{lesson}",
        lesson,
        "One lesson: its steps with their views, questions, and texts as HTML",
        (LessonKey,),
        Lesson,
    ),
)
