"""HTTP API of the scenes: views worth opening first, found in the runs at hand."""

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from gradviz.dashboard import permalink
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.scenes import SCENES, Looking, found
from gradviz.dashboard.sending import sent_json
from gradviz.landscape import LandscapeRequest


class OfScene(BaseModel):
    """A scene, by its key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scene: str = Field(max_length=40, description="as in the list of scenes")


class SceneName(BaseModel):
    scene: str
    name: str = Field(description="for people")


class ScenesAnswer(BaseModel):
    """What is sought, whether it is found or not."""

    scenes: list[SceneName]


class SceneAnswer(SceneName):
    """A scene as it was found at the newest checkpoints; without a caption and pictures where it was not."""

    caption: str | None = Field(description="a sentence with its numbers")
    link: str | None = Field(description="the query string of the page's view that shows it")
    panels: list[LandscapeRequest] = Field(description="the pictures that stand for it")
    labels: list[str] = Field(description="what each is called; none for a single one")
    reason: str | None = Field(description="why it was not found")


def scenes(served: Served) -> Response:
    return sent_json({"scenes": [{"scene": key, "name": name} for key, (name, _) in SCENES.items()]})


def scene(served: Served, asked: OfScene) -> Response:
    told = found(asked.scene, Looking(served.compute, served.still_wanted))
    about = {"scene": asked.scene, "name": SCENES[asked.scene][0]}
    if isinstance(told, str):
        return sent_json({**about, "caption": None, "link": None, "panels": [], "labels": [], "reason": told})
    panels = [panel.model_dump(mode="json") for panel in told.panels]
    shown = {"caption": told.caption, "link": permalink.write(told.view), "panels": panels, "labels": list(told.labels)}
    return sent_json({**about, **shown, "reason": None})


OPERATIONS = (
    Operation("get", "/scenes", scenes, "What scenes are sought in the runs", (), ScenesAnswer),
    Operation("get", "/scenes/{scene}", scene, "One scene, as it is found in the runs", (OfScene,), SceneAnswer),
)
