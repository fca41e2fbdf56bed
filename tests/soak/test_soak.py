"""Every promise in its quick form; `make soak` runs the long ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from soak.proofs import PROOFS
from soak.proving import CannotProve, Proof, Trial

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("proof", [proof for proof in PROOFS if proof.quick], ids=lambda proof: proof.name)
def test_the_promise_is_kept(proof: Proof, tmp_path: Path) -> None:
    try:
        figure = proof.run(Trial(proof.quick, tmp_path))
    except CannotProve as error:
        pytest.skip(str(error))
    assert figure.kept, figure.said
