"""Programs that stand for those built into SageMaker's images; each is run as a script and imports nothing of ours."""
