"""The scripts that run inside the jobs, and what they share.

    load_data ─> preprocess ─> train ─> evaluate
                                 └────> inference (travels inside model.tar.gz)

Each script is started as `python <folder>/<script>.py --argument value`, in a SageMaker image or here, and finds
its siblings beside itself. They never import the rest of fluentpipe and need only numpy, pyarrow and xgboost,
because the images have no more and because importing pandas or scikit-learn takes seconds. The library imports
the same files as `fluentpipe.containers.<module>`; therefore every module imports its siblings in both ways.
"""
