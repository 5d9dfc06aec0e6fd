"""Models in use: which one is meant, and what it says of rows.

A model of ours is served by the library's own code. What lies in its archive is data: trees, JSON; the code that is packed
with it for SageMaker's containers is never run here.
"""

from fluentpipe.serving.predicting import predict, predict_file

__all__ = ["predict", "predict_file"]
