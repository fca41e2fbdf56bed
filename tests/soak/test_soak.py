"""Every promise in its quick form; `make soak` runs the long ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from soak.proofs import PROOFS
from soak.proving import CannotProve, Proof, Trial

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof.quick], ids=lambda proof: proof.name)
def test_the_promise_is_kept(proof: Proof, tmp_path: Path) -> None:
    try:
        figure = proof.run(Trial(proof.quick, tmp_path))
    except CannotProve as error:
        pytest.skip(str(error))
    assert figure.kept, figure.said


def test_the_page_of_promises_names_every_proof_and_no_test_that_is_not_there() -> None:
    page = (ROOT / "backend" / "docs" / "promises.md").read_text()
    assert {proof.name for proof in PROOFS if f"`--only {proof.name}`" not in page} == {"training"}
    assert all((ROOT / path).exists() for path in re.findall(r"tests/[a-z0-9_/.]+", page))
