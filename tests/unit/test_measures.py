"""What is read off probabilities, against the plain formula."""

import numpy as np
import pytest

from labelcue.labels.measures import margin, mean_prediction, predicted


@pytest.mark.parametrize(("rows", "classes"), [(20_000, 10), (5, 2), (3, 1), (0, 4), (4, 0)])
def test_the_predicted_class_and_the_mean(rows, classes):
    made = np.random.default_rng(0).integers(1, 5, (rows, classes)).astype(np.float32) / 5
    want = made.argmax(axis=1) if classes else np.zeros(rows)
    for lying in (made, np.asfortranarray(made)):
        doubt, label = predicted(lying)
        np.testing.assert_array_equal(label, want)
        np.testing.assert_array_equal(doubt, margin(made))
    mean = made.mean(axis=0, dtype=np.float64) if rows else np.zeros(classes)
    np.testing.assert_allclose(mean_prediction(made), mean, rtol=1e-5)
