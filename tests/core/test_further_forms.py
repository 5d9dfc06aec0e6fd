"""An output that a step of the user's own made into another of its kind is never passed over in silence."""

import pytest

from fluentpipe import Pipeline, TrainingData
from fluentpipe.errors import AmbiguousInput

from .own import declare, takes, yields

declare("Thinning", "thin", [takes("training_data", TrainingData)], [yields("thinned", TrainingData)])


def chain(**inputs):
    base = Pipeline("churn").load_data("s3://bucket/churn.csv", label="churn").preprocess().thin()
    return base.train_xgboost(**{name: getattr(base.outputs, step).thinned for name, step in inputs.items()})


def test_training_must_say_whether_it_takes_the_rows_or_those_made_from_them() -> None:
    with pytest.raises(AmbiguousInput) as caught:
        chain()
    assert str(caught.value) == (
        "input 'training_data' of step 'xgboost_training' could take tabular_preprocessing.train_data, or "
        "thinning.thinned, which was made from it later.\n"
        "  in pipeline 'churn', step 4 ('xgboost_training')\n"
        "  candidates: tabular_preprocessing.train_data (1.00), thinning.thinned (0.62)\n"
        "  fix: .train_xgboost(training_data=pipe.outputs.thinning.thinned)"
    )


def test_what_it_was_told_is_what_it_takes() -> None:
    bindings = {(each.step, each.input): each for each in chain(training_data="thinning").explain()}
    taken = bindings["xgboost_training", "training_data"]
    assert (taken.label, taken.reason) == ("thinning.thinned", "given")
