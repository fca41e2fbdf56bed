"""What is predicted stands in Label Studio's editor: an annotator who submits it untouched has given that answer."""

from __future__ import annotations

import pytest
from labelling import log_in, submit
from stack import ADMIN, Stack

from browsing import NewPage, needs_browser
from labelcue.labelstudio.config import parse_config
from labelcue.labelstudio.regions import label_of, prediction
from labelcue.types import Answer, Scores, TaskId
from waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_browser]

TEXTS = '<Text name="text" value="$text"/><Text name="other" value="$other"/>'
TWO = '<Choice value="mail"/><Choice value="junk" alias="j"/>'
SHOWN: dict[str, tuple[str, Answer]] = {
    "a pair": (f'<View>{TEXTS}<Pairwise name="better" toName="text,other"/></View>', "right"),
    "several controls": (
        f'<View cueCombine="max">{TEXTS}<Choices name="topic" toName="text" cueWeight="2">{TWO}</Choices>'
        f'<Choices name="tags" toName="other" choice="multiple">{TWO}</Choices><Rating name="stars" toName="text"/>'
        f'<Number name="price" toName="text"/>'
        f'<Taxonomy name="path" toName="text"><Choice value="all">{TWO}</Choice></Taxonomy></View>',
        (
            ("topic", "j"),
            ("tags", frozenset({"mail", "j"})),
            ("stars", 4.0),
            ("price", 2.5),
            ("path", frozenset({"all / j"})),
        ),
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_predictions_stand_in_the_editor(stack: Stack, new_page: NewPage, name: str) -> None:
    xml, answer = SHOWN[name]
    spec, page = parse_config(xml), new_page()
    project = int(stack.ls.create_project("Shown", xml)["id"])
    (task,) = stack.ls.import_tasks(project, [{"data": {"text": "a mail", "other": "another mail"}}])
    made = prediction(spec, Scores(TaskId(task), (), spec.classes, "cue-1", (answer, 0.75)))
    stack.ls.import_predictions(project, [{"task": task, **made}])
    stack.ls.update_project(project, model_version="cue-1", show_collab_predictions=True)
    log_in(page, stack.studio_url, ADMIN)
    page.goto(f"{stack.studio_url}/projects/{project}/data?labeling=1")
    page.get_by_text("another mail", exact=True).wait_for()
    submit(page)
    (given,) = until(lambda: (stack.ls.task(task) or {}).get("annotations"), what="the annotation")
    assert label_of(spec, given["result"]) == answer
