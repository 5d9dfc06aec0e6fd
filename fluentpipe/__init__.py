"""fluentpipe: one fluent chain, checked while it is written, run here and on Amazon SageMaker."""

from __future__ import annotations

__version__ = "0.1.0"
