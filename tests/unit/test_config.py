"""Label configs: what is learned, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from label_studio_sdk.label_interface.interface import LabelInterface

from labelcue.errors import UnsupportedConfig
from labelcue.labelstudio.config import ControlInfo, describe, parse_config, words_of

ROOT = Path(__file__).parents[2]
TWO = '<Choice value="a"/><Choice value="b"/>'
TREE = (
    '<Taxonomy name="c" toName="t" {}><Choice value="a"><Choice value="C" alias="c"/></Choice>'
    '<Choice value="b"/><Choice value="b"/></Taxonomy>'
)
TEXT = '<Text name="t" value="$text"/>'


def view(inside: str) -> str:
    return f"<View>{inside}</View>"


def choices(attributes: str = "", inside: str = TWO, name: str = "c", to: str = "t") -> str:
    return f'<Choices name="{name}" toName="{to}" {attributes}>{inside}</Choices>'


SUPPORTED = {
    "no choice attribute": (view(TEXT + choices()), ("a", "b")),
    "single": (view(TEXT + choices('choice="single"')), ("a", "b")),
    "single-radio": (view(TEXT + choices('choice="single-radio"')), ("a", "b")),
    "alias": (view(TEXT + choices(inside='<Choice value="A" alias="a"/><Choice value="b" alias=""/>')), ("a", "b")),
    "control before object": (view(choices() + TEXT), ("a", "b")),
    "Choice inside a View": (view(TEXT + choices(inside=f"<View>{TWO}</View>")), ("a", "b")),
    "hypertext": (view('<HyperText name="t" value="$html"/>' + choices()), ("a", "b")),
    "image": (view('<Image name="t" value="$image" zoom="true"/>' + choices()), ("a", "b")),
    "image by URL": (view('<Image name="t" value="$image" valueType="url"/>' + choices()), ("a", "b")),
    "declared encoding": ('<?xml version="1.0" encoding="ISO-8859-1"?>' + view(TEXT + choices()), ("a", "b")),
    "comments": (view("<!-- {} -->" + TEXT + choices(inside="<!-- x -->" + TWO)), ("a", "b")),
    "repeated choice": (view(TEXT + choices(inside=TWO + '<Choice value="a"/>')), ("a", "b")),
    "markup": (
        view(TEXT + choices(inside='<Choice value="&lt;script&gt;"/><Choice value="R&amp;D ä"/>')),
        ("<script>", "R&D ä"),
    ),
    "others are not learned": (
        view(TEXT + '<TextArea name="n" toName="t"/>' + choices(name="m", attributes='cueWeight="0"') + choices()),
        ("a", "b"),
    ),
}


@pytest.mark.parametrize("name", SUPPORTED)
def test_supported_configs_are_read(name: str) -> None:
    xml, classes = SUPPORTED[name]
    spec = parse_config(xml)
    assert (spec.from_name, spec.to_name, spec.control, spec.classes) == ("c", "t", "Choices", classes)
    assert spec.field in ("text", "html", "image")
    assert spec.xml == xml


@pytest.mark.parametrize("name", [name for name in SUPPORTED if name != "declared encoding"])
def test_the_classes_are_those_of_label_studio(name: str) -> None:
    xml, classes = SUPPORTED[name]
    assert tuple(LabelInterface(xml).get_control("c").labels) == classes


def test_the_demo_config_is_supported() -> None:
    spec = parse_config((ROOT / "label_config.xml").read_text())
    assert (spec.field, spec.classes) == ("text", ("ham", "spam"))


UNSUPPORTED = {
    "other choice": (view(TEXT + choices('choice="many"')), "choice='many' is unknown"),
    "dynamic": (view(TEXT + choices('value="$options"', inside="")), "dynamic choices"),
    "per region": (view(TEXT + choices('perRegion="true"')), "perRegion"),
    "per item": (view(TEXT + choices('perItem="true"')), "perItem"),
    "hierarchy": (view(TEXT + choices(inside=f'<Choice value="x">{TWO}</Choice>')), "hierarchy"),
    "one class": (view(TEXT + choices(inside='<Choice value="a"/><Choice value="a"/>')), "1 different choices"),
    "no class": (view(TEXT + choices(inside="")), "0 different choices"),
    "choice without value": (view(TEXT + choices(inside=TWO + "<Choice/>")), "neither value nor alias"),
    "table": (view('<Table name="t" value="$a"/>' + choices()), "labels Table"),
    "images": (view('<Image name="t" valueList="$i"/>' + choices()), "not one field"),
    "no object": (view(choices()), "no object 't'"),
    "two objects": (view(TEXT + '<Text name="u" value="$u"/>' + choices(to="t,u")), "several objects"),
    "text behind a URL": (view('<Text name="t" value="$u" valueType="url"/>' + choices()), "behind a URL"),
    "encoded text": (view('<Text name="t" value="$u" encoding="base64"/>' + choices()), "encoded"),
    "fixed text": (view('<Text name="t" value="Hello"/>' + choices()), "not one field"),
    "two fields": (view('<Text name="t" value="$a $b"/>' + choices()), "not one field"),
    "nested field": (view('<Text name="t" value="$a.b[0]"/>' + choices()), "not one field"),
    "other control": (view(TEXT + '<Brush name="n" toName="t"/>'), "Brush is not learned yet"),
    "no label": (view(TEXT + '<Labels name="n" toName="t"/>'), "it has no Label"),
    "a label without a name": (view(TEXT + '<Labels name="n" toName="t"><Label/></Labels>'), "neither value nor alias"),
    "dynamic labels": (view(TEXT + '<Labels name="n" toName="t" value="$l"/>'), "(dynamic labels)"),
    "spans of pictures": (
        view('<Image name="t" value="$t"/><Labels name="n" toName="t"><Label value="a"/></Labels>'),
        "it labels Image, and LabelCue reads Text, HyperText and Audio so far",
    ),
    "labels of pages on a text": (
        view(TEXT + '<HyperTextLabels name="c" toName="t"><Label value="a"/></HyperTextLabels>'),
        "it labels Text, and LabelCue reads HyperText so far",
    ),
    "labels of dialogues on a text": (
        view(TEXT + '<ParagraphLabels name="c" toName="t"><Label value="a"/></ParagraphLabels>'),
        "it labels Text, and LabelCue reads Paragraphs so far",
    ),
    "ranks": (view(TEXT + '<Ranker name="n" toName="t"/>'), "'n' (Ranker): Ranker is not learned yet"),
    "no control": (view(TEXT), "no control"),
    "empty view": ("<View/>", "no control"),
    "combined oddly": (
        f'<View cueCombine="sum">{TEXT}{choices()}{choices(name="d")}</View>',
        "cueCombine='sum' is unknown",
    ),
    "weighed oddly": (view(TEXT + choices('cueWeight="-1"')), "cueWeight='-1' is no number from 0 up"),
    "weighed nothing": (view(TEXT + choices('cueWeight="0"')), "leaves it to the annotators"),
    "stars of a word": (view(TEXT + '<Rating name="c" toName="t" maxRating="many"/>'), "maxRating='many' is no number"),
    "one star": (view(TEXT + '<Rating name="c" toName="t" maxRating="1"/>'), "go from 1 to 1"),
    "bounds the wrong way": (view(TEXT + '<Number name="c" toName="t" min="9" max="3"/>'), "go from 9 to 3"),
    "rating per region": (view(TEXT + '<Rating name="c" toName="t" perRegion="true"/>'), "a perRegion Rating is not"),
    "pair of one": (view(TEXT + '<Pairwise name="c" toName="t"/>'), "it compares 1 objects"),
    "pair of a field with itself": (
        view(TEXT + '<Text name="u" value="$text"/><Pairwise name="c" toName="t,u"/>'),
        "compares a field with itself",
    ),
    "pair of two sorts": (
        view(TEXT + '<Image name="u" value="$u"/><Pairwise name="c" toName="t,u"/>'),
        "compares a Text with a Image",
    ),
    "pair with nothing": (view(TEXT + '<Pairwise name="c" toName="t,u"/>'), "no object 'u'"),
    "tree of an address": (view(TEXT + '<Taxonomy name="c" toName="t" apiUrl="http://x"/>'), "from an address"),
    "tree of each task": (view(TEXT + '<Taxonomy name="c" toName="t" value="$tree"/>'), "from each task"),
    "tree of one": (view(TEXT + '<Taxonomy name="c" toName="t"><Choice value="a"/></Taxonomy>'), "1 different paths"),
    "tree of regions": (
        view(TEXT + f'<Taxonomy name="c" toName="t" labeling="true">{TWO}</Taxonomy>'),
        "labels regions",
    ),
    "tree of twins": (
        view(
            TEXT + '<Taxonomy name="c" toName="t"><Choice value="a / b"/>'
            '<Choice value="a"><Choice value="b"/></Choice></Taxonomy>'
        ),
        "read alike",
    ),
    "wand": (view(TEXT + '<MagicWand name="c" toName="t"/>'), "a Choices for the whole task would be learned"),
}


KINDS = {
    "multiple": (choices('choice="multiple"'), "set", ("a", "b"), None),
    "stars": ('<Rating name="c" toName="t"/>', "number", (), (1, 5)),
    "ten stars": ('<Rating name="c" toName="t" maxRating="10"/>', "number", (), (1, 10)),
    "bounded": ('<Number name="c" toName="t" min="-1" max="2.5" step="0.5"/>', "number", (), (-1, 2.5)),
    "paths": (TREE.format(""), "set", ("a", "a / c", "b"), None),
    "leaves": (TREE.format('leafsOnly="true"'), "set", ("a / c", "b"), None),
    "one path": (TREE.format('maxUsages="1"'), "class", ("a", "a / c", "b"), None),
    "half bounded": ('<Number name="c" toName="t" min="0"/>', "number", (), None),
}


@pytest.mark.parametrize("name", KINDS)
def test_kind_classes_and_bounds_are_those_of_the_control(name: str) -> None:
    inside, kind, classes, bounds = KINDS[name]
    spec = parse_config(view(TEXT + inside))
    assert (spec.from_name, spec.kind, spec.classes, spec.bounds) == ("c", kind, classes, bounds)


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_unsupported_configs_are_refused_with_control_reason_and_remedy(name: str) -> None:
    xml, why = UNSUPPORTED[name]
    with pytest.raises(UnsupportedConfig) as caught:
        parse_config(xml)
    assert why in caught.value.message
    assert caught.value.remedy


def test_several_controls_are_learned_together() -> None:
    xml = view(
        '<HyperText name="t" value="$text"/><Text name="u" value="$other"/><Image name="i" value="$image"/>'
        + choices('cueWeight="2.5"')
        + '<Rating name="r" toName="u"/>'
        + choices(name="p", to="i")
        + '<Pairwise name="w" toName="t,u"/>'
        + choices()
    ).replace("<View>", '<View cueCombine="max">', 1)
    spec = parse_config(xml)
    assert (spec.kind, spec.control, spec.combine) == ("joint", "Choices + Rating", "max")
    assert [(part.from_name, part.kind, part.weight) for part in spec.parts] == [
        ("c", "class", 2.5),
        ("r", "number", 1),
    ]
    assert (spec.field, spec.object, spec.others) == ("text", "HyperText", (("other", "Text"),))
    assert spec.parts[1].bounds == (1, 5)
    whys = {info.why for info in describe(xml)}
    assert "it labels another sort of object than 'c' (Choices), which is learned" in whys
    assert 'a Pairwise is learned by itself alone; set cueWeight="0" on the others for that' in whys
    assert "another control has its name" in whys
    assert words_of(spec) == "'c': Choices on $text (a, b); 'r': Rating on $other (numbers)"


def test_a_pair_is_learned_where_the_others_weigh_nothing() -> None:
    text = TEXT + '<Text name="u" value="$u"/><Pairwise name="w" toName="t,u"/>'
    assert parse_config(view(text + choices())).from_name == "c"
    assert parse_config(view(text + choices('cueWeight="0"'))).from_name == "w"


def test_every_control_is_described() -> None:
    xml = view(TEXT + choices() + '<Rating name="r" toName="t"/>' + choices(name="lost", to="nowhere"))
    infos = describe(xml)
    assert infos[0] == ControlInfo("c", "Choices", "Text", True, "")
    assert (infos[1].name, infos[1].supported, infos[1].why) == ("r", True, "")
    assert (infos[2].object, infos[2].supported) == ("", False)


def test_the_documentation_has_every_reason() -> None:
    page = (ROOT / "backend" / "docs" / "label-configs.md").read_text()
    assert [why for _, why in UNSUPPORTED.values() if why not in page] == []
