"""Whose models the later steps take before those of others; several of them are equally good, so that a second model is told."""

from __future__ import annotations

TRAINED = ("XGBoostTraining", "XGBoostTuning", "SklearnTraining", "LightgbmTraining")
"""Steps whose models our own programs read."""
READABLE = (*TRAINED, "ModelCalibration")
SERVED = (*READABLE, "PytorchTraining", "ScriptTraining")
"""Steps whose models hold the code that serves them, or are those of a script of the user's, who knows what serves them."""
