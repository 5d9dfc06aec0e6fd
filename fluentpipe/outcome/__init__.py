"""What comes of a pipeline that is run, here or on SageMaker: one shape for both.

`shape` says what every run has, `declared` which outputs a step has, `values` how their values are asked for.
Where values come from is the part of `fluentpipe.run` and of `fluentpipe.executions`.
"""
