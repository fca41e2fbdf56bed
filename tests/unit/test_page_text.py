"""Markup → the characters of its page and where the editor counts them, as a real browser has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from browsing import NewPage, needs_browser
from labelcue.embedders.marked import marked, reader_of
from labelcue.embedders.page_text import page_of
from labelcue.embedders.words import NAME, Words, places_of
from labelcue.errors import TaskUnreadable
from labelcue.labelstudio.config import parse_config

CONFIG = '<View><HyperText name="t" value="$html"{}/><Labels name="l" toName="t"><Label value="name"/></Labels></View>'
PAGES = [
    "plain",
    " \n plain",
    "<p>Hello <b>A</b>nn,</p>\n\n<p>bye</p>\n",
    " <!DOCTYPE html>\n<html>\n<head><title>No <b>tag</b></title>\n<style>a{b}</style></head>\n"
    "<body class='x'> text</body> </html>\n",
    "<style>p { color: red }</style> <p>after</p><style>q</style>behind",
    "<meta charset=utf-8><link rel=x> <h1>T</h1>",
    "one<br>two<br/>three</br>four",
    "<ul>\n<li>a<li>b</ul>",
    "<table>\n<tr> <td>a</td><td>b\n</td></tr>\n</table> c",
    "<table><caption>k</caption><thead><tr><th>a<th>b<tbody><tr><td><table><tr><td>in</td></tr></table>x</table>y",
    "<table><tr><td>a<tr><td>b<br>c</table>",
    "<pre>\n\n two\n</pre><pre>one</pre><pre><b>\nx</b></pre>",
    "a&amp;b &lt;p&gt; &nbsp;&#65;&#x1F600;&notit; &unknown; &copy c",
    "line\r\nline\rline&#10;line",
    "😀 é 王 <i>😀</i>",
    "a<!-- no <b>text</b> -->b<!---->c",
    '<p title="a > b" data-x=\'"\'>q</p><a href=x>z</a>',
    "a < b <3 c<-d",
    "<o:p>office</o:p><custom-tag>own</custom-tag><font size=1>f</font>",
    "<p>para<p>para<div>in</p>out</div>",
    "<b>bold<i>both</b>italic</i>",
    "<div>a<script>var x = '<p>';</script>b</div>",
    "<script>1</script> <p>x</p>",
    "<img src=x alt='no text'><hr>a<wbr>b",
    "<a>one<a>two</a>",
    "<button>press</button><label>l</label><details><summary>s</summary>d</details>",
    "x</p>y</div>z",
    "<body> kept</body> tail",
]
"""Every sort of markup whose page is told."""
BITS = "<p> </p> <b> </b> <div> </div> <br> <pre> </pre> <table> </table> <tr> </tr> <td> </td> <th> <tbody> <ul> <li>"
BITS += (
    " </ul> <html> <head> </head> <body> </body> <h1> </h1> <span> </span> <hr> <style>s</style> <!--c--> wo é &amp;"
)
COUNTED = """([markup, inline]) => {
  const bare = markup.replace(/<script[^>]*>[^]*?<\\/script>/g, '');
  let root = document.createElement('div');
  if (inline) root.innerHTML = bare;
  else root = new DOMParser().parseFromString(bare, 'text/html').body;
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_ALL), found = [];
  for (let node; (node = walk.nextNode());) {
    const hidden = node.parentNode.nodeName === 'STYLE';
    if (node.nodeType === Node.TEXT_NODE) found.push(...[...node.data].map(one => hidden ? ' ' : one));
    else if (node.nodeName === 'BR') found.push('\\n');
  }
  return found;
}"""
"""As Label Studio's editor counts, scripts taken out as its cleaning does; what a <style> holds reads as spaces."""


def seen(markup: str, inline: bool) -> set[tuple[int, str]]:
    page = page_of(markup, inline=inline)
    return {(place, one) for place, one in zip(page.places.tolist(), page.text, strict=True) if one not in " \t\n\f"}


@needs_browser
def test_characters_stand_where_a_browser_has_them(new_page: NewPage) -> None:
    rng, page, told = np.random.default_rng(0), new_page(), 0
    made = ["".join(rng.choice([*BITS.split(), " ", "\n"], size=12)) for _ in range(400)]
    for markup in [*PAGES, *made]:
        for inline in (False, True):
            try:
                own = seen(markup, inline)
            except TaskUnreadable:
                assert markup in made or (inline and "<title>" in markup)
                continue
            told += 1
            theirs = page.evaluate(COUNTED, [markup, inline])
            want = {(place, one) for place, one in enumerate(theirs) if one not in " \t\n\f"}
            assert own == want, (markup, inline)
    assert told > 300


@pytest.mark.parametrize(
    "markup",
    [
        "<p",
        "<p <b>x",
        '<p a="x',
        "a<!-- open",
        "a<!--> b -->",
        "<!-- a --!> b -->",
        "<style>open",
        "<table>stray<tr><td>x</table>",
        "<table><tr><b>x</b></table>",
        "<table><tr><td>x</td>y</tr></table>",
        "<select><option>a</select>",
        "<textarea>a</textarea>",
        "<svg><text>a</text></svg>",
        "<iframe src=x></iframe>",
        "<noscript>a</noscript>",
        "a</ b>",
        "<?php echo 1 ?>",
        "<![CDATA[x]]>",
        "a&#1;b",
        "a\0b",
        "<p>a<title>b</title>",
    ],
)
def test_what_a_browser_would_have_to_mend_is_named(markup: str) -> None:
    with pytest.raises(TaskUnreadable, match=r"cannot be told: the markup has .* show it as Text"):
        page_of(markup)


def test_tags_part_words_or_do_not() -> None:
    page = page_of("<td>a</td><td>b</td><b>L</b>abel<br>x")
    assert [page.text[start:end] for start, end in places_of(page.text)] == ["a", "b", "Label", "x"]


def test_the_time_is_in_proportion_to_the_length() -> None:
    for bit in ("<b>x</b>", "<p a='1'>", "&amp;", "<!-- -->", "<br>", "= ", "<a b = 'c'>"):
        assert len(page_of(bit * 30_000).places) >= 0


def test_words_of_a_page_have_the_editors_offsets() -> None:
    data = {"html": "\n<style>x</style><p>Dear <b>An</b>n,</p><ul><li>one</li><li>two</li></ul>"}
    for inline, first in (("", 0), (' inline="true"', 2)):
        spec = parse_config(CONFIG.format(inline))
        text = marked(data, spec)
        places = places_of(text.text)
        words = text.counted(Words(np.zeros((len(places), 2), dtype=np.float16), places.astype(np.int32)))
        want = [[0, 4], [5, 8], [8, 9], [9, 12], [12, 15]]
        assert words.offsets.tolist() == [[first + start, first + end] for start, end in want]
        assert words.offsets.dtype == np.int32
    framed, inline = (reader_of(parse_config(CONFIG.format(given))) for given in ("", ' inline="true"'))
    assert len({framed, inline, NAME}) == 3
    assert reader_of(None) == NAME


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({}, "no field"),
        ({"html": ""}, "empty"),
        ({"html": "<p> <br></p>"}, "but for markup"),
        ({"html": "<p"}, "be told"),
    ],
)
def test_pages_without_a_text_are_named(data: dict[str, Any], why: str) -> None:
    with pytest.raises(TaskUnreadable, match=why):
        marked(data, parse_config(CONFIG.format("")))
